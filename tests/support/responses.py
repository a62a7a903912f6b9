"""Checks of HTTP responses."""

HUGE_IDS = ["9999999999", str(2**31), str(2**63), str(2**64), "9" * 30, "9" * 4000]
INVALID_IDS = ["-1", "0", "007", "1.0", "1e3", "abc", "1%20", "%D9%A3", "null", "1;drop", "+1", "0x1"]


def problem(response, status: int, code: str) -> dict:
    """Check that a response is this problem document; return its members other than the common ones."""
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    document = response.get_json(force=True)
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:job-ingestion:problem:{code}"
    assert document["title"] and document["detail"]
    common = ("type", "title", "status", "detail", "code", "request_id")
    return {name: value for name, value in document.items() if name not in common}
