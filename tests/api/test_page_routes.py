"""The page's files: what is kept for how long, in which coding, and what is never answered by them."""

import pytest

from tests.api.test_ingestion_routes import problem

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br"}
SCRIPT = "index-0a1b2c3d.js"
CODE = b"export const answer = 42;\n" * 40


def ask(client, path, method="GET", **options):
    """One request, and the whole answer, so that the file behind it is closed."""
    return client.open(path, method=method, buffered=True, **options)


@pytest.fixture
def folder(app, tmp_path, monkeypatch):
    """What a build leaves, made by hand."""
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
    "path", ["/", "/ingest", "/ingest/", "/ingest/preview", "/ingest/runs/123", "/runs", "/runs/", "/account"]
)
@pytest.mark.parametrize("headers", [BROWSER, {}], ids=["browser", "curl"])
def test_every_address_of_the_page_is_its_document_which_is_never_taken_from_a_cache_unasked(
    client, folder, path, headers
):
    answer = ask(client, path, headers=headers)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/html", b"<!doctype html>")
    assert answer.headers["Cache-Control"] == "no-cache"
    again = ask(client, path, headers={**headers, "If-None-Match": answer.headers["ETag"]})
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
def test_a_script_is_kept_for_ever_and_comes_in_the_best_coding_that_can_be_read(client, folder, accepted, coding):
    answer = ask(client, f"/assets/{SCRIPT}", headers={"Accept-Encoding": accepted})
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers.get("Content-Encoding") == {"brotli": "br"}.get(coding, coding)
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.data == (f"as if by {coding}".encode() if coding else CODE)


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
def test_what_is_missing_below_assets_or_the_api_is_a_problem_and_never_the_page(client, folder, path):
    problem(ask(client, path, headers=BROWSER), 404, "not_found")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/ingest/nonsense", "/favicon-..%2foutside.svg", "/index.html", "/favicon-none.svg"]
)
def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(client, folder, path):
    answer = ask(client, path, headers=BROWSER)
    assert (answer.status_code, answer.data) == (404, b"<!doctype html>")
    problem(ask(client, path), 404, "not_found")


@pytest.mark.parametrize("path", ["/", "/ingest", "/runs", f"/assets/{SCRIPT}"])
def test_the_page_can_only_be_read(client, folder, path):
    problem(ask(client, path, "POST"), 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/", f"/assets/{SCRIPT}", "/api/ingestion/runs", "/api/nowhere", "/favicon-idle.svg"])
def test_browsers_are_told_to_run_our_own_files_only_and_to_let_nobody_frame_them(client, folder, path):
    headers = ask(client, path).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/ingest/runs/1", f"/assets/{SCRIPT}"])
def test_a_page_that_was_never_built_says_how_to_build_it(client, folder, path):
    (folder / "index.html").unlink()
    (folder / "assets" / SCRIPT).unlink()
    answer = ask(client, path, headers=BROWSER)
    problem(answer, 503, "page_not_built")
    assert "run make build" in answer.json["detail"]
    problem(ask(client, "/nowhere", headers=BROWSER), 404, "not_found")
    assert ask(client, "/api/ingestion/current-run").status_code == 200


def test_the_page_needs_no_sign_in(accounts_app, folder, monkeypatch):
    monkeypatch.setitem(accounts_app.config, "PAGE_FOLDER", folder)
    answer = ask(accounts_app.test_client(), "/", headers={"Host": "jobs.example.org"})
    assert answer.status_code == 200
