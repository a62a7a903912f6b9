"""The page's files: their caching, their encodings, and the URLs that are never the page."""

import pytest

from tests.support.responses import problem

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br"}
SCRIPT = "index-0a1b2c3d.js"
CODE = b"export const response = 42;\n" * 40


def send(client, path, method="GET", **options):
    """Send a request and read the whole response, so that its file is closed."""
    return client.open(path, method=method, buffered=True, **options)


@pytest.fixture
def folder(app, tmp_path, monkeypatch):
    """A build of the page, made by hand."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / SCRIPT).write_bytes(CODE)
    (tmp_path / "index.html").write_bytes(b"<!doctype html>")
    (tmp_path / "favicon-idle.svg").write_bytes(b"<svg/>")
    (tmp_path / "assets" / f"{SCRIPT}.br").write_bytes(b"as if by brotli")
    (tmp_path / "assets" / f"{SCRIPT}.gz").write_bytes(b"as if by gzip")
    (tmp_path.parent / "outside.txt").write_text("secret")
    monkeypatch.setitem(app.config, "PAGE_FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "path", ["/", "/ingest", "/ingest/", "/ingest/preview", "/ingest/runs/123", "/runs", "/jobs", "/jobs/", "/account"]
)
@pytest.mark.parametrize("headers", [BROWSER, {}], ids=["browser", "curl"])
def test_every_page_url_sends_the_document_to_be_revalidated(
    client, folder, path, headers
):
    response = send(client, path, headers=headers)
    assert (response.status_code, response.mimetype, response.data) == (200, "text/html", b"<!doctype html>")
    assert response.headers["Cache-Control"] == "no-cache"
    again = send(client, path, headers={**headers, "If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "brotli"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
def test_asset_is_immutable_and_in_the_best_accepted_encoding(client, folder, accepted, coding):
    response = send(client, f"/assets/{SCRIPT}", headers={"Accept-Encoding": accepted})
    assert (response.status_code, response.mimetype) == (200, "text/javascript")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers.get("Content-Encoding") == {"brotli": "br"}.get(coding, coding)
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.data == (f"as if by {coding}".encode() if coding else CODE)


@pytest.mark.parametrize(
    "path",
    [
        "/assets/gone.js",
        "/assets/",
        "/assets/../index.html",
        "/assets/..%2f..%2foutside.txt",
        "/assets/%2e%2e/outside.txt",
        "/assets/.",
        "/assets/%00",
        "/api/nowhere",
        "/api",
    ],
)
def test_missing_asset_or_api_path_is_a_problem_document(client, folder, path):
    problem(send(client, path, headers=BROWSER), 404, "not_found")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/ingest/nonsense", "/favicon-..%2foutside.svg", "/index.html", "/favicon-none.svg"]
)
def test_unknown_url_is_a_page_for_browsers_and_a_problem_for_programs(client, folder, path):
    response = send(client, path, headers=BROWSER)
    assert (response.status_code, response.data) == (404, b"<!doctype html>")
    problem(send(client, path), 404, "not_found")


@pytest.mark.parametrize("path", ["/", "/ingest", "/runs", f"/assets/{SCRIPT}"])
def test_page_refuses_other_methods(client, folder, path):
    problem(send(client, path, "POST"), 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/", f"/assets/{SCRIPT}", "/api/ingestion/runs", "/api/nowhere", "/favicon-idle.svg"])
def test_content_security_policy_allows_only_our_files_and_no_frames(client, folder, path):
    headers = send(client, path).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/ingest/runs/1", f"/assets/{SCRIPT}"])
def test_page_that_is_not_built_names_the_command(client, folder, path):
    (folder / "index.html").unlink()
    (folder / "assets" / SCRIPT).unlink()
    response = send(client, path, headers=BROWSER)
    problem(response, 503, "page_not_built")
    assert "run make build" in response.json["detail"]
    problem(send(client, "/nowhere", headers=BROWSER), 404, "not_found")
    assert send(client, "/api/ingestion/current-run").status_code == 200


def test_page_needs_no_credential(accounts_app, folder, monkeypatch):
    monkeypatch.setitem(accounts_app.config, "PAGE_FOLDER", folder)
    response = send(accounts_app.test_client(), "/", headers={"Host": "jobs.example.org"})
    assert response.status_code == 200
