"""Rules that hold for every operation of the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.http.test_openapi import PUBLIC
from tests.support.accounts import HOST, Visitor, in_browser, person, with_token
from tests.support.responses import problem

ANN = "ann@example.org"
SECRETS = {"password", "password_hash", "current_password", "new_password", "secret", "secret_hash", "epoch", "token"}
Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def document(accounts_app) -> dict[str, Any]:
    return accounts_app.test_client().get("/api/openapi.json", base_url="https://jobs.example.org", headers=HOST).json


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Yield each operation: its method, its path with ids that do not exist, and its documentation."""
    for path, methods in document["paths"].items():
        names = [each["name"] for each in methods.get("parameters", []) if each["in"] == "path"]
        for method, operation in methods.items():
            if method != "parameters":
                yield method.upper(), path.format(**dict.fromkeys(names, 1)), operation


def guarded(document: dict[str, Any]) -> list[Operation]:
    """Return the operations that require a credential."""
    return [each for each in operations(document) if each[1] not in PUBLIC]


def body_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of an operation's body."""
    if "requestBody" not in operation:
        return None
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return document["components"]["schemas"][name]


def test_every_operation_for_users_requires_a_valid_credential(accounts_app, document):
    ann = person(accounts_app, ANN)
    token = with_token(accounts_app, ann).headers["Authorization"].partition(" ")[2]
    browser = in_browser(accounts_app, ANN)
    session = browser.client.get_cookie("__Host-session", domain="jobs.example.org").value
    strangers = [
        (Visitor(accounts_app), ""),
        (Visitor(accounts_app), f"?token={token}&access_token={token}"),
        (Visitor(accounts_app, Authorization="Bearer made-up"), ""),
        (Visitor(accounts_app, Authorization=f"Basic {token}"), ""),
        (Visitor(accounts_app, Authorization=f"Bearer {session.partition('.')[0]}"), ""),
        (Visitor(accounts_app, Cookie=f"__Host-session={token}"), ""),
        (Visitor(accounts_app, Cookie=f"__Host-session={session}x"), ""),
    ]
    for method, path, _ in guarded(document):
        for visitor, query in strangers:
            problem(visitor.call(method, f"{path.removeprefix('/api/')}{query}"), 401, "unauthenticated")
    assert browser.call("GET", "auth/me").status_code == 200


def test_every_body_refuses_undocumented_members(accounts_app, document):
    """Clients must not set an owner or a status (mass assignment)."""
    ann = with_token(accounts_app, person(accounts_app, ANN))
    bodies = [(*each[:2], body_of(document, each[2])) for each in operations(document) if body_of(document, each[2])]
    assert len(bodies) >= 8
    for method, path, schema in bodies:
        assert schema["additionalProperties"] is False
        for member in ("user_id", "status", "is_admin", "created_at", "__proto__"):
            response = ann.call(method, path.removeprefix("/api/"), {member: 1})
            problem(response, 422, "invalid_input")
            assert member in response.json["errors"]


def test_no_response_has_a_secret_but_that_of_a_new_token(document):
    of_requests = {
        each["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for _, _, each in operations(document) if "requestBody" in each
    }
    schemas = document["components"]["schemas"]
    of_responses = {name: schemas[name]["properties"].keys() for name in schemas.keys() - of_requests}
    secrets = {(name, member) for name, members in of_responses.items() for member in SECRETS & members}
    assert secrets == {("IssuedToken", "token")}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://jobs.example.org.evil.example"])
def test_cors_allows_no_other_site(accounts_app, document, origin):
    person(accounts_app, ANN)
    browser = in_browser(accounts_app, ANN)
    for method, path, _ in operations(document):
        if path.startswith("/api/"):
            ours = path.removeprefix("/api/")
            preflight = browser.call("OPTIONS", ours, Origin=origin, Access_Control_Request_Method=method)
            response = browser.call(method, ours, Origin=origin)
            for each in (preflight, response):
                assert not [name for name, _ in each.headers if name.startswith("Access-Control-")]
                assert each.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert method == "GET" or response.status_code == 403


def test_every_growing_list_is_paged(document):
    queries = {path: {each["name"]: each["schema"] for each in operation.get("parameters", [])}
               for method, path, operation in operations(document) if method == "GET"}
    ours = ("runs", "runs/1/companies", "jobs", "dry-run/1/postings")
    for path in (*[f"/api/ingestion/{each}" for each in ours], "/api/auth/credentials"):
        assert queries[path]["limit"]["maximum"] <= 200
        assert queries[path]["limit"]["minimum"] == 1
