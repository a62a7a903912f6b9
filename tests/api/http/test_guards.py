"""Guards: request ids, security headers, peers, host names and origins."""

from dataclasses import replace

import pytest

from app import create_app
from app.api.http.guards import SECURITY_HEADERS
from tests.support.factories import sql
from tests.support.responses import problem

START = "/api/ingestion/start"


@pytest.mark.parametrize("offered", ["abc", "A.b_c:d-9", "x" * 64])
def test_request_id_is_kept_if_well_formed(client, offered):
    assert client.get("/healthz", headers={"X-Request-ID": offered}).headers["X-Request-ID"] == offered


@pytest.mark.parametrize("offered", ["", "x" * 65, "a b", "a\"b", "<script>", "ä", "a/b", "a\tb"])
def test_request_id_is_replaced_if_malformed(client, offered):
    assigned = client.get("/healthz", headers={"X-Request-ID": offered}).headers["X-Request-ID"]
    assert assigned != offered
    assert len(assigned) == 32


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/api/ingestion/runs", "/nowhere", "/api/openapi.json"]
)
def test_every_response_has_a_request_id_and_is_not_cached(client, path):
    response = client.get(path)
    assert response.headers["X-Request-ID"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "method, path, headers, status",
    [
        ("HEAD", "/healthz", {}, 200),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/metrics", {}, 200),
        ("OPTIONS", "/api/ingestion/start", {}, 200),
        ("PUT", "/api/ingestion/start", {}, 405),
        ("GET", "/api/ingestion/runs", {"Host": "evil.example.org"}, 403),
        ("POST", "/api/ingestion/start", {"Content-Type": "text/plain"}, 415),
    ],
)
def test_security_headers_are_on_every_kind_of_response(client, method, path, headers, status):
    response = client.open(path, method=method, headers=headers, data="x" if status == 415 else None)
    assert response.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.getlist(name) == [value]


def test_security_headers_are_on_internal_errors(client, monkeypatch):
    monkeypatch.setitem(client.application.view_functions, "ingestion.current_run", lambda: 1 / 0)
    response = client.get("/api/ingestion/current-run")
    problem(response, 500, "internal_error")
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.getlist(name) == [value]


def test_x_forwarded_host_does_not_replace_host(settings):
    client = create_app(replace(settings, proxy_hops=1)).test_client()
    forwarded = {"X-Forwarded-Host": "localhost"}
    assert client.get("/healthz", headers=forwarded).status_code == 200
    problem(client.get("/healthz", headers=forwarded, environ_overrides={"HTTP_HOST": ""}), 400, "bad_request")


@pytest.mark.parametrize("path", ["/healthz", "/", "/nowhere", "/api/ingestion/runs"])
def test_strict_transport_security_is_sent_with_an_https_public_url(accounts_app, client, path):
    response = accounts_app.test_client().get(path, headers={"Host": "jobs.example.org"}, buffered=True)
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in client.get(path, buffered=True).headers


@pytest.mark.parametrize("peer", ["192.168.1.7", "10.0.0.1", "8.8.8.8", "::ffff:8.8.8.8", "", "2001:db8::1"])
@pytest.mark.parametrize("path", ["/api/ingestion/current-run", "/healthz", "/metrics", "/nowhere"])
def test_local_auth_refuses_other_machines(client, peer, path):
    problem(client.get(path, environ_overrides={"REMOTE_ADDR": peer}), 403, "forbidden")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_local_auth_accepts_this_machine(client, peer):
    assert client.get("/api/ingestion/current-run", environ_overrides={"REMOTE_ADDR": peer}).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:9", "[::1]:8000", "LOCALHOST"])
def test_local_auth_accepts_loopback_host_names(client, host):
    assert client.get("/api/ingestion/current-run", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["example.org", "localhost.example.org", "127.0.0.1.example.org", "0.0.0.0", "192.168.1.7:8000", "[::2]", "a b"],
)
def test_local_auth_refuses_foreign_host_names(client, host):
    problem(client.post(START, headers={"Host": host}), 403, "forbidden")
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "Same-Origin, cross-site"},
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "https://localhost"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://example.org"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": "https://example.org", "Authorization": "Basic eDp5"},
    ],
)
def test_origin_of_another_site_is_refused(client, headers):
    problem(client.post(START, headers=headers), 403, "forbidden")
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000", "Host": "127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer anything"},
    ],
)
def test_origin_of_our_page_and_of_programs_is_accepted(client, headers):
    assert client.post(START, headers=headers).status_code == 201


def test_origin_of_another_site_may_send_reads_but_not_see_responses(client):
    response = client.get("/api/ingestion/current-run", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "current-run"), ("POST", "start"), ("POST", "abort/1"), ("GET", "runs/1"), ("GET", "runs"),
     ("GET", "runs/1/events"), ("GET", "runs?limit=0"), ("GET", "runs/1/events?after=x"), ("GET", "companies"),
     ("POST", "companies"), ("GET", "companies/1"), ("PATCH", "companies/1"), ("DELETE", "companies/1"),
     ("POST", "companies/import"), ("GET", "companies/export"), ("POST", "dry-run"), ("GET", "dry-run"),
     ("GET", "dry-run/1"), ("GET", "dry-run/1/postings"), ("GET", "dry-run/1/postings/1")],
)
def test_accounts_require_a_credential(accounts_app, method, path):
    response = accounts_app.test_client().open(
        f"/api/ingestion/{path}", method=method, headers={"Host": "jobs.example.org"}
    )
    problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_accounts_refuse_other_host_names(accounts_app):
    problem(accounts_app.test_client().get("/api/ingestion/runs", headers={"Host": "evil.example"}), 403, "forbidden")


def test_accounts_let_probes_use_an_address(accounts_app):
    for path in ("/healthz", "/readyz"):
        assert accounts_app.test_client().get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_accounts_accept_the_origin_of_public_url(accounts_app):
    client = accounts_app.test_client()
    ours = {"Host": "jobs.example.org", "Origin": "https://jobs.example.org"}
    problem(client.post(START, headers=ours), 401, "unauthenticated")
    problem(client.post(START, headers={**ours, "Origin": "http://jobs.example.org"}), 403, "forbidden")
