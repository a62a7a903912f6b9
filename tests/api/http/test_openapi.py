"""The OpenAPI document is complete and correct, and docs/api.md and schema.d.ts are generated from it."""

import re
from pathlib import Path

import jsonschema_rs
import pytest

from app.config.settings import PROJECT
from docs.build_api import TYPES, render, write_types
from tests.support.accounts import HOST, in_browser, person

EXPECTED = {
    ("get", "/api/ingestion/current-run"): {200, 401, 403, 500, 503},
    ("post", "/api/ingestion/start"): {200, 201, 400, 401, 403, 404, 409, 413, 415, 422, 500, 503},
    ("post", "/api/ingestion/runs/{run_id}/retry"): {200, 201, 400, 401, 403, 404, 409, 413, 415, 422, 500, 503},
    ("post", "/api/ingestion/abort/{run_id}"): {200, 400, 401, 403, 404, 409, 413, 415, 500, 503},
    ("get", "/api/ingestion/runs/{run_id}"): {200, 401, 403, 404, 500, 503},
    ("get", "/api/ingestion/runs/{run_id}/companies"): {200, 401, 403, 404, 422, 500, 503},
    ("get", "/api/ingestion/runs/{run_id}/events"): {200, 401, 403, 404, 422, 500, 503},
    ("post", "/api/ingestion/runs/{run_id}/closings"): {200, 400, 401, 403, 404, 409, 413, 415, 422, 500, 503},
    ("get", "/api/ingestion/runs"): {200, 401, 403, 422, 500, 503},
    ("get", "/api/ingestion/sources"): {200, 401, 403, 500, 503},
    ("post", "/api/ingestion/companies/detect"): {200, 400, 401, 403, 413, 415, 422, 429, 500, 503},
    ("get", "/api/ingestion/companies"): {200, 401, 403, 429, 500, 503},
    ("post", "/api/ingestion/companies"): {201, 400, 401, 403, 409, 413, 415, 422, 500, 503},
    ("get", "/api/ingestion/companies/{company_id}"): {200, 401, 403, 404, 500, 503},
    ("patch", "/api/ingestion/companies/{company_id}"): {200, 400, 401, 403, 404, 409, 413, 415, 422, 500, 503},
    ("delete", "/api/ingestion/companies/{company_id}"): {204, 400, 401, 403, 404, 413, 415, 500, 503},
    ("post", "/api/ingestion/companies/import"): {200, 400, 401, 403, 409, 413, 415, 422, 429, 500, 503},
    ("get", "/api/ingestion/companies/export"): {200, 401, 403, 429, 500, 503},
    ("post", "/api/ingestion/dry-run"): {200, 201, 400, 401, 403, 409, 413, 415, 422, 500, 503},
    ("get", "/api/ingestion/dry-run"): {200, 401, 403, 500, 503},
    ("get", "/api/ingestion/dry-run/{preview_id}"): {200, 401, 403, 404, 429, 500, 503},
    ("get", "/api/ingestion/dry-run/{preview_id}/postings"): {200, 401, 403, 404, 422, 429, 500, 503},
    ("get", "/api/ingestion/dry-run/{preview_id}/postings/{posting_id}"): {200, 401, 403, 404, 500, 503},
    ("get", "/api/ingestion/jobs"): {200, 401, 403, 422, 500, 503},
    ("get", "/api/ingestion/jobs/{job_id}"): {200, 401, 403, 404, 500, 503},
    ("post", "/api/auth/login"): {204, 400, 401, 403, 404, 413, 415, 422, 429, 500, 503},
    ("post", "/api/auth/logout"): {204, 400, 403, 404, 413, 415, 500, 503},
    ("get", "/api/auth/me"): {200, 401, 403, 500, 503},
    ("get", "/api/auth/credentials"): {200, 401, 403, 404, 422, 500, 503},
    ("post", "/api/auth/credentials"): {201, 400, 401, 403, 404, 409, 413, 415, 422, 500, 503},
    ("delete", "/api/auth/credentials/{credential_id}"): {204, 400, 401, 403, 404, 413, 415, 500, 503},
    ("post", "/api/auth/delete"): {204, 400, 401, 403, 404, 413, 415, 422, 429, 500, 503},
    ("post", "/api/auth/password"): {204, 400, 401, 403, 404, 413, 415, 422, 429, 500, 503},
    ("get", "/healthz"): {200, 403, 500},
    ("get", "/readyz"): {200, 403, 500, 503},
    ("get", "/metrics"): {200, 403, 500},
}
PUBLIC = {"/api/auth/login", "/api/auth/logout", "/healthz", "/readyz", "/metrics"}
ACME = {"source": "greenhouse", "board": "acme", "name": "Acme"}


@pytest.fixture
def document(client) -> dict:
    return client.get("/api/openapi.json").json


def operations(document) -> dict:
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    }


def test_every_operation_documents_every_status(document):
    found = {name: set(map(int, operation["responses"])) for name, operation in operations(document).items()}
    assert found == EXPECTED


def test_every_operation_has_a_name_and_a_request_id(document):
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(EXPECTED)
    for operation in operations(document).values():
        assert "X-Request-ID" in [each["name"] for each in operation["parameters"]]
        assert all("X-Request-ID" in response["headers"] for response in operation["responses"].values())


def test_every_route_is_documented(app, document):
    rules = [rule.rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("page.")]
    routes = {re.sub(r"<\w+_id:(\w+)>", r"{\1}", rule) for rule in rules}
    assert routes - {"/api/openapi.json"} == set(document["paths"])


def test_every_error_is_a_problem_document(document):
    for operation in operations(document).values():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
                name = response["content"]["application/problem+json"]["schema"]["$ref"].rpartition("/")[2]
                members = set(document["components"]["schemas"][name]["properties"])
                assert {"type", "title", "status", "detail", "code", "request_id"} <= members


def test_responses_have_exactly_the_documented_members(client, document):
    run_id = client.post("/api/ingestion/start").json["run_id"]
    schemas = document["components"]["schemas"]
    for path, name in (
        (f"runs/{run_id}", "Run"),
        (f"runs/{run_id}/companies", "RunCompanies"),
        ("current-run", "CurrentRun"),
        ("runs", "RunsPage"),
        ("jobs", "JobsPage"),
    ):
        assert set(client.get(f"/api/ingestion/{path}").json) == set(schemas[name]["properties"])
    company_id = client.post("/api/ingestion/companies", json=ACME).json["company_id"]
    preview_id = client.post("/api/ingestion/dry-run").json["preview_id"]
    for path, name in (
        (f"companies/{company_id}", "Company"),
        ("companies", "Companies"),
        (f"dry-run/{preview_id}", "Preview"),
        (f"dry-run/{preview_id}/postings", "PostingsPage"),
    ):
        assert set(client.get(f"/api/ingestion/{path}").json) == set(schemas[name]["properties"])
    [event] = client.get(f"/api/ingestion/runs/{run_id}/events").json["events"]
    assert set(event) == set(schemas["Event"]["properties"])


def test_examples_of_responses_are_valid(document):
    checked = set()
    for (method, path), operation in operations(document).items():
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        if "example" in content:
            schema = {**content["schema"], "components": document["components"]}
            assert jsonschema_rs.validator_for(schema).is_valid(content["example"])
            name = content["schema"]["$ref"].rpartition("/")[2]
            assert set(content["example"]) == set(document["components"]["schemas"][name]["properties"])
            checked.add((method, path.removeprefix("/api/ingestion/")))
    assert checked >= {("get", "jobs"), ("get", "jobs/{job_id}"), ("get", "runs/{run_id}/companies")}


def test_api_md_is_up_to_date(document):
    assert (Path(PROJECT) / "docs" / "api.md").read_text() == render(document), "run: make docs"


def test_schema_d_ts_is_up_to_date(document, tmp_path):
    write_types(document, tmp_path / "schema.d.ts")
    assert (tmp_path / "schema.d.ts").read_text() == TYPES.read_text(), "run: make docs"


def test_public_operations_are_documented(document):
    public = {path for (_, path), operation in operations(document).items() if operation.get("security") == []}
    assert public == PUBLIC
    assert {} in document["security"]  # no credential is needed with AUTH=local


def test_security_schemes_are_documented_with_accounts(accounts_app):
    person(accounts_app, "ann@example.org")
    browser = in_browser(accounts_app, "ann@example.org")
    document = browser.client.get("/api/openapi.json", base_url="https://jobs.example.org", headers=HOST).json
    assert document["security"] == [{"session": []}, {"token": []}]
    named = document["components"]["securitySchemes"]["session"]["name"]
    assert browser.client.get_cookie(named, domain="jobs.example.org")


def test_request_id_is_documented_as_any_string(client, document):
    [parameter] = [each for each in document["paths"]["/healthz"]["get"]["parameters"] if each["in"] == "header"]
    assert parameter["schema"] == {"type": "string"}
    assert client.get("/healthz", headers={"X-Request-ID": "not well-formed"}).status_code == 200


def test_body_of_a_change_is_documented_as_optional(client, document):
    path = document["paths"]["/api/ingestion/companies/{company_id}"]
    assert not path["patch"]["requestBody"]["required"]
    company = client.post("/api/ingestion/companies", json=ACME).json
    assert client.patch(f"/api/ingestion/companies/{company['company_id']}").json["name"] == "Acme"


def test_limits_of_bodies_are_documented(document):
    schemas = document["components"]["schemas"]
    texts = [schemas["NewToken"]["properties"]["name"], schemas["Changes"]["properties"]["include"]["items"]]
    assert [re.match(text["pattern"], "a\x00b") for text in texts] == [None, None]
    assert all(re.match(text["pattern"], "a\nb") for text in texts)
    assert schemas["Import"]["properties"]["companies"]["maxItems"] == 1000
    assert [each["required"] for each in schemas["Detect"]["oneOf"]] == [["url"], ["source", "board"]]
