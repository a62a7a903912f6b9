"""Companies over HTTP: what is refused, by field, and that an export is an import."""

import pytest
from flask import json

from app.config.settings import MAX_IMPORT_BYTES
from app.services.companies import companies
from app.services.companies.errors import TooManyCompanies
from tests.api.test_ingestion_routes import NO_IDS, problem
from tests.support.factories import make_user, sql
from tests.support.previews import company

URL = "/api/ingestion/companies"
ACME = {"source": "greenhouse", "board": "acme", "name": "Acme"}


def fault(client, field: str, body: object, path: str = "", method: str = "POST") -> None:
    """Check that a body is refused for that field alone, and changed nothing."""
    before = sql("SELECT * FROM companies")
    answer = client.open(f"{URL}{path}", method=method, data=json.dumps(body), content_type="application/json")
    errors = problem(answer, 422, "invalid_input")["errors"]
    assert list(errors) == [field]
    assert all(isinstance(text, str) for text in errors[field])
    assert sql("SELECT * FROM companies") == before


def test_without_companies_the_list_is_empty(client):
    answer = client.get(URL)
    assert (answer.status_code, answer.json) == (200, {"companies": []})


def test_an_added_company_is_found_at_its_address(client):
    answer = client.post(URL, json={**ACME, "include": [" Engineer ", "", "engineer"], "exclude": ["intern"]})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{URL}/1"
    added = dict(answer.json)
    assert all(added.pop(name).endswith("+00:00") for name in ("created_at", "updated_at"))
    assert added == {
        **ACME,
        "company_id": 1,
        "source_name": "Greenhouse",
        "url": "https://job-boards.greenhouse.io/acme",
        "enabled": True,
        "include": ["Engineer"],
        "exclude": ["intern"],
        "listing": None,
    }
    assert client.get(answer.headers["Location"]).json == answer.json
    assert client.get(URL).json == {"companies": [answer.json]}


def test_the_last_listing_is_told(client, user_id):
    company(user_id, "acme")
    sql("UPDATE companies SET listed_at = now(), outcome = 'gone', outcome_detail = 'It is gone.'")
    listing = client.get(f"{URL}/1").json["listing"]
    assert listing.pop("at").endswith("+00:00")
    assert listing == {"outcome": "gone", "detail": "It is gone.", "postings": None}


def test_the_same_board_twice_is_a_conflict_that_names_the_first(client):
    company_id = client.post(URL, json=ACME).json["company_id"]
    answer = client.post(URL, json={**ACME, "name": "Other"})
    assert problem(answer, 409, "company_exists") == {"company_id": company_id}


def test_too_many_companies_are_a_conflict(client, monkeypatch):
    monkeypatch.setattr(companies, "MAX_COMPANIES", 1)
    client.post(URL, json=ACME)
    problem(client.post(URL, json={**ACME, "board": "beta"}), 409, TooManyCompanies.code)
    given = {"companies": [{**ACME, "board": board} for board in ("beta", "gamma")]}
    problem(client.post(f"{URL}/import", json=given), 409, TooManyCompanies.code)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("source", {"source": "workday"}),
        ("source", {"source": ""}),
        ("source", {"source": None}),
        ("source", {"source": 7}),
        ("board", {"board": ""}),
        ("board", {"board": "a/b"}),
        ("board", {"board": ".."}),
        ("board", {"board": "nowhere:acme"}),
        ("board", {"board": "x" * 201}),
        ("board", {"board": "a\u0000b"}),
        ("board", {"board": ["acme"]}),
        ("name", {"name": ""}),
        ("name", {"name": "   "}),
        ("name", {"name": "x" * 101}),
        ("name", {"name": "two\nlines"}),
        ("name", {"name": "\ud800"}),
        ("name", {"name": "\u202e\u200d\u200f"}),
        ("name", {"name": "a\u0007b"}),
        ("enabled", {"enabled": "yes"}),
        ("enabled", {"enabled": 1.5}),
        ("enabled", {"enabled": 1}),
        ("enabled", {"enabled": 0}),
        ("enabled", {"enabled": "true"}),
        ("enabled", {"enabled": None}),
        ("include", {"include": "engineer"}),
        ("include", {"include": None}),
        ("include.0", {"include": [7]}),
        ("include.1", {"include": ["ok", "a\u0000"]}),
        ("include", {"include": ["x" * 101]}),
        ("include", {"include": ["*-+"]}),
        ("include", {"include": [f"term {number}" for number in range(51)]}),
        ("include", {"include": [f"{number}" + "日" * 98 for number in range(50)]}),
        ("exclude", {"exclude": ["   ", "/"]}),
        ("exclude", {"exclude": {}}),
        ("company_id", {"company_id": 1}),
        ("listing", {"listing": None}),
    ],
)
def test_rubbish_is_refused_by_field(client, user_id, field, given):
    fault(client, field, {**ACME, **given})
    if field not in ("source", "board"):
        company_id = company(user_id, "acme")
        fault(client, field, given, f"/{company_id}", "PATCH")
        fault(client, f"companies.1.{field}", {"companies": [ACME, {**ACME, "board": "b", **given}]}, "/import")


@pytest.mark.parametrize("missing", list(ACME))
def test_what_is_missing_is_said(client, missing):
    given = {name: value for name, value in ACME.items() if name != missing}
    fault(client, missing, given)
    fault(client, f"companies.0.{missing}", {"companies": [given]}, "/import")


def test_fifty_terms_of_a_hundred_characters_are_taken_as_they_are_meant(client):
    terms = [f"{number:02}" + "x" * 98 for number in range(50)]
    answer = client.post(URL, json={**ACME, "include": [*terms, *terms, " "], "exclude": ["front   end", "C++", "日本"]})
    assert answer.json["include"] == terms
    assert answer.json["exclude"] == ["front end", "C++", "日本"]


def test_a_change_changes_what_it_names(client, user_id):
    company_id = company(user_id, "acme", include=("engineer",))
    answer = client.patch(f"{URL}/{company_id}", json={"enabled": False, "name": " Acme Ltd "})
    assert answer.status_code == 200
    assert (answer.json["enabled"], answer.json["name"], answer.json["include"]) == (False, "Acme Ltd", ["engineer"])
    assert client.patch(f"{URL}/{company_id}", json={}).json == answer.json
    fault(client, "board", {"board": "other"}, f"/{company_id}", "PATCH")
    fault(client, "source", {"source": "lever"}, f"/{company_id}", "PATCH")


def test_a_removed_company_is_gone(client, user_id):
    company_id = company(user_id, "acme")
    answer = client.delete(f"{URL}/{company_id}")
    assert (answer.status_code, answer.data) == (204, b"")
    problem(client.delete(f"{URL}/{company_id}"), 404, "company_not_found")
    problem(client.get(f"{URL}/{company_id}"), 404, "company_not_found")
    problem(client.patch(f"{URL}/{company_id}", json={}), 404, "company_not_found")


@pytest.mark.parametrize("company_id", NO_IDS[:-6])
def test_what_cannot_be_a_company_id_is_an_unknown_address(client, company_id):
    for method in ("GET", "PATCH", "DELETE"):
        problem(client.open(f"{URL}/{company_id}", method=method), 404, "not_found")


def test_the_largest_possible_id_is_a_company_that_is_not_there(client):
    problem(client.get(f"{URL}/{2**63 - 1}"), 404, "company_not_found")
    for method in ("GET", "PATCH", "DELETE"):
        problem(client.open(f"{URL}/{2**63}", method=method), 404, "not_found")


def test_an_export_is_an_attachment_and_an_import_of_it_changes_nothing(client, user_id):
    company(user_id, "acme", include=("engineer",), exclude=("intern",))
    company(user_id, "beta", enabled=False)
    company(make_user("other@example.org"), "theirs")
    answer = client.get(f"{URL}/export")
    assert answer.headers["Content-Disposition"] == "attachment; filename=companies.json"
    assert answer.mimetype == "application/json"
    assert [set(each) for each in answer.json["companies"]] == [
        {"source", "board", "name", "enabled", "include", "exclude"}
    ] * 2
    assert [each["board"] for each in answer.json["companies"]] == ["acme", "beta"]
    again = client.post(f"{URL}/import", data=answer.data, content_type="application/json")
    assert (again.status_code, again.json) == (200, {"added": 0, "changed": 0, "unchanged": 2})
    for each in client.get(URL).json["companies"]:
        client.delete(f"{URL}/{each['company_id']}")
    again = client.post(f"{URL}/import", data=answer.data, content_type="application/json")
    assert again.json == {"added": 2, "changed": 0, "unchanged": 0}
    assert client.get(f"{URL}/export").data == answer.data


def test_an_import_with_one_fault_changes_nothing_at_all(client, user_id):
    company(user_id, "acme")
    fault(client, "companies.1.name", {"companies": [{**ACME, "name": "Changed"}, {**ACME, "board": "b", "name": ""}]},
          "/import")
    fault(client, "companies.1.board", {"companies": [ACME, {**ACME, "board": " acme "}]}, "/import")
    fault(client, "companies.0.kind", {"companies": [{**ACME, "kind": 1}]}, "/import")
    fault(client, "companies.0._schema", {"companies": [7]}, "/import")
    fault(client, "companies", {"companies": {}}, "/import")
    fault(client, "companies", {}, "/import")
    fault(client, "companies", {"companies": [{}] * 1001}, "/import")
    fault(client, "more", {"companies": [], "more": 1}, "/import")


def test_an_import_may_have_16_mebibytes_and_everything_else_64_kib(client):
    large = json.dumps({"companies": [{**ACME, "include": ["x" * 100], "board": f"b{n}"} for n in range(500)]}).encode()
    large += b" " * (MAX_IMPORT_BYTES - len(large))
    answer = client.post(f"{URL}/import", data=large, content_type="application/json")
    assert (answer.status_code, answer.json["added"]) == (200, 500)
    answer = client.post(f"{URL}/import", data=large + b" ", content_type="application/json")
    problem(answer, 413, "body_too_large")
    assert "16 MiB" in answer.get_json(force=True)["detail"]
    answer = client.post(URL, data=large, content_type="application/json")
    problem(answer, 413, "body_too_large")
    assert "64 KiB" in answer.get_json(force=True)["detail"]
