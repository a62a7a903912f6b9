"""Examples of responses, for the OpenAPI document."""

from typing import Any

JOB: dict[str, Any] = {
    "job_id": 4711,
    "company": "greenhouse:acme",
    "company_name": "Acme",
    "external_id": "127817",
    "title": "Senior Engineer",
    "locations": ["Berlin", "Remote"],
    "workplace": "hybrid",
    "employment_type": "Full time",
    "salary": None,
    "posted_on": "2026-11-20",
    "found_at": "2026-11-30T09:15:02+00:00",
    "at_least_since": False,
    "state": "missing",
    "status": "ready",
    "missing_since": "2026-12-01T08:00:11+00:00",
    "gone_at": None,
    "url": "https://job-boards.greenhouse.io/acme/jobs/127817",
    "run_id": 123,
}

JOBS_PAGE = {"jobs": [JOB], "next": "WyJuZXdlc3QiLCAiIiwgNDcxMV0"}

WHOLE_JOB = {
    **JOB,
    "description": "You build the tools of our engineers.",
    "requirements": None,
    "text": "ready",
    "rule": {"kind": "include", "term": "engineer"},
    "history": [
        {"event_id": 9001, "at": "2026-11-30T09:15:02+00:00", "kind": "new", "fields": [], "listing_id": 555}
    ],
}

RUN_COMPANIES = {
    "companies": [
        {
            "position": 1,
            "company_id": 42,
            "source": "greenhouse",
            "source_name": "Greenhouse",
            "board": "acme",
            "name": "Acme",
            "url": "https://job-boards.greenhouse.io/acme",
            "state": "taken_in",
            "outcome": "ok",
            "detail": None,
            "retry_at": None,
            "listing": "complete",
            "read_at": "2026-11-30T09:15:01+00:00",
            "found": 120,
            "unparsed": 0,
            "matched": 31,
            "new": 4,
            "changed": 2,
            "reopened": 0,
            "unchanged": 25,
            "expired": 3,
            "failed": 0,
            "held": 0,
            "previewed": 31,
        }
    ],
    "next": None,
    "revision": 30002000000031,
}
