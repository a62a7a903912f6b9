"""Companies over HTTP: validation by field, paging, import and export."""

import pytest
from flask import json

from app.config.settings import MAX_IMPORT_BYTES
from app.models import MAX_COMPANIES
from app.services.companies.errors import TooManyCompanies
from tests.support.accounts import in_browser, person
from tests.support.factories import insert_companies, make_user, merge, sql
from tests.support.listed_boards import add_listing, make_board
from tests.support.previews import begin_preview, company, finish_preview
from tests.support.responses import INVALID_IDS, problem

URL = "/api/ingestion/companies"
ACME = {"source": "greenhouse", "board": "acme", "name": "Acme"}


def check_refused(client, field: str, body: object, path: str = "", method: str = "POST") -> None:
    """Check that a body is refused because of this field alone, and that nothing was changed."""
    before = sql("SELECT * FROM companies")
    response = client.open(f"{URL}{path}", method=method, data=json.dumps(body), content_type="application/json")
    errors = problem(response, 422, "invalid_input")["errors"]
    assert list(errors) == [field]
    assert all(isinstance(text, str) for text in errors[field])
    assert sql("SELECT * FROM companies") == before


def test_list_is_empty_without_companies(client):
    response = client.get(URL)
    assert (response.status_code, response.json) == (200, {"companies": []})


def test_added_company_is_found_at_its_url(client):
    response = client.post(URL, json={**ACME, "include": [" Engineer ", "", "engineer"], "exclude": ["intern"]})
    assert response.status_code == 201
    assert response.headers["Location"] == f"{URL}/1"
    added = dict(response.json)
    assert added.pop("same_as") is None
    shown = dict(added)
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
    assert client.get(response.headers["Location"]).json == shown
    assert client.get(URL).json == {"companies": [shown]}


def test_added_company_names_the_one_with_the_same_board(client):
    first = client.post(URL, json={**ACME, "name": "First"}).json
    second = client.post(URL, json={**ACME, "board": "ACME"}).json
    assert second["same_as"] == {"company_id": first["company_id"], "name": "First"}
    assert ["same_as" in each for each in client.get(URL).json["companies"]] == [False, False]


def test_added_company_never_names_another_users(accounts_app, browser):
    browser.call("POST", "ingestion/companies", ACME)
    person(accounts_app, "bob@example.org")
    bob = in_browser(accounts_app, "bob@example.org")
    assert bob.call("POST", "ingestion/companies", {**ACME, "board": "ACME"}).json["same_as"] is None


def test_company_shows_its_latest_listing(client, user_id):
    company(user_id, "acme")
    add_listing(make_board("greenhouse", "acme"), "failed", "gone", sentence="It is gone.")
    listing = client.get(f"{URL}/1").json["listing"]
    assert listing.pop("at").endswith("+00:00")
    assert listing == {"outcome": "gone", "detail": "It is gone.", "postings": None}


def test_add_the_same_board_twice_is_409_with_the_first_id(client):
    company_id = client.post(URL, json=ACME).json["company_id"]
    response = client.post(URL, json={**ACME, "name": "Other"})
    assert problem(response, 409, "company_exists") == {"company_id": company_id}


def test_too_many_companies_is_409(client, user_id):
    insert_companies(user_id, MAX_COMPANIES)
    problem(client.post(URL, json={**ACME, "board": "beta"}), 409, TooManyCompanies.code)
    body = {"companies": [{**ACME, "board": board} for board in ("beta", "gamma")]}
    problem(client.post(f"{URL}/import", json=body), 409, TooManyCompanies.code)


@pytest.mark.parametrize(
    ("field", "members"),
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
def test_company_with_an_invalid_field_is_refused(client, user_id, field, members):
    check_refused(client, field, {**ACME, **members})
    if field not in ("source", "board"):
        company_id = company(user_id, "acme")
        check_refused(client, field, members, f"/{company_id}", "PATCH")
        second = {**ACME, "board": "b", **members}
        check_refused(client, f"companies.1.{field}", {"companies": [ACME, second]}, "/import")


@pytest.mark.parametrize("missing", list(ACME))
def test_company_with_a_missing_field_is_refused(client, missing):
    body = {name: value for name, value in ACME.items() if name != missing}
    check_refused(client, missing, body)
    check_refused(client, f"companies.0.{missing}", {"companies": [body]}, "/import")


def test_filter_may_have_fifty_terms_of_a_hundred_characters(client):
    terms = [f"{number:02}" + "x" * 98 for number in range(50)]
    filters = {"include": [*terms, *terms, " "], "exclude": ["front   end", "C++", "日本"]}
    response = client.post(URL, json={**ACME, **filters})
    assert response.json["include"] == terms
    assert response.json["exclude"] == ["front end", "C++", "日本"]


def test_change_writes_only_the_fields_in_the_body(client, user_id):
    company_id = company(user_id, "acme", include=("engineer",))
    response = client.patch(f"{URL}/{company_id}", json={"enabled": False, "name": " Acme Ltd "})
    assert response.status_code == 200
    changed = response.json
    assert (changed["enabled"], changed["name"], changed["include"]) == (False, "Acme Ltd", ["engineer"])
    assert client.patch(f"{URL}/{company_id}", json={}).json == response.json
    check_refused(client, "board", {"board": "other"}, f"/{company_id}", "PATCH")
    check_refused(client, "source", {"source": "lever"}, f"/{company_id}", "PATCH")


def test_removed_company_is_not_found(client, user_id):
    company_id = company(user_id, "acme")
    response = client.delete(f"{URL}/{company_id}")
    assert (response.status_code, response.data) == (204, b"")
    problem(client.delete(f"{URL}/{company_id}"), 404, "company_not_found")
    problem(client.get(f"{URL}/{company_id}"), 404, "company_not_found")
    problem(client.patch(f"{URL}/{company_id}", json={}), 404, "company_not_found")


@pytest.mark.parametrize("company_id", INVALID_IDS)
def test_invalid_company_id_is_404(client, company_id):
    for method in ("GET", "PATCH", "DELETE"):
        problem(client.open(f"{URL}/{company_id}", method=method), 404, "not_found")


def test_largest_company_id_is_not_found(client):
    problem(client.get(f"{URL}/{2**63 - 1}"), 404, "company_not_found")
    for method in ("GET", "PATCH", "DELETE"):
        problem(client.open(f"{URL}/{2**63}", method=method), 404, "not_found")


def test_export_is_an_attachment_that_imports_unchanged(client, user_id):
    company(user_id, "acme", include=("engineer",), exclude=("intern",))
    company(user_id, "beta", enabled=False)
    company(make_user("other@example.org"), "theirs")
    response = client.get(f"{URL}/export")
    assert response.headers["Content-Disposition"] == "attachment; filename=companies.json"
    assert response.mimetype == "application/json"
    assert [set(each) for each in response.json["companies"]] == [
        {"source", "board", "name", "enabled", "include", "exclude"}
    ] * 2
    assert [each["board"] for each in response.json["companies"]] == ["acme", "beta"]
    again = client.post(f"{URL}/import", data=response.data, content_type="application/json")
    assert (again.status_code, again.json) == (200, {"added": 0, "changed": 0, "unchanged": 2})
    for each in client.get(URL).json["companies"]:
        client.delete(f"{URL}/{each['company_id']}")
    again = client.post(f"{URL}/import", data=response.data, content_type="application/json")
    assert again.json == {"added": 2, "changed": 0, "unchanged": 0}
    assert client.get(f"{URL}/export").data == response.data


def test_import_with_an_invalid_entry_changes_nothing(client, user_id):
    company(user_id, "acme")
    nameless = {**ACME, "board": "b", "name": ""}
    check_refused(client, "companies.1.name", {"companies": [{**ACME, "name": "Changed"}, nameless]}, "/import")
    check_refused(client, "companies.1.board", {"companies": [ACME, {**ACME, "board": " acme "}]}, "/import")
    check_refused(client, "companies.0.kind", {"companies": [{**ACME, "kind": 1}]}, "/import")
    check_refused(client, "companies.0._schema", {"companies": [7]}, "/import")
    check_refused(client, "companies", {"companies": {}}, "/import")
    check_refused(client, "companies", {}, "/import")
    check_refused(client, "companies", {"companies": [{}] * 1001}, "/import")
    check_refused(client, "more", {"companies": [], "more": 1}, "/import")


def test_body_limit_is_16_mib_for_imports_and_64_kib_otherwise(client):
    large = json.dumps({"companies": [{**ACME, "include": ["x" * 100], "board": f"b{n}"} for n in range(500)]}).encode()
    large += b" " * (MAX_IMPORT_BYTES - len(large))
    response = client.post(f"{URL}/import", data=large, content_type="application/json")
    assert (response.status_code, response.json["added"]) == (200, 500)
    response = client.post(f"{URL}/import", data=large + b" ", content_type="application/json")
    problem(response, 413, "body_too_large")
    assert "16 MiB" in response.get_json(force=True)["detail"]
    response = client.post(URL, data=large, content_type="application/json")
    problem(response, 413, "body_too_large")
    assert "64 KiB" in response.get_json(force=True)["detail"]


def test_company_of_an_unknown_source_can_be_changed_and_removed(client, user_id):
    company_id = company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql("UPDATE companies SET source = 'forgotten'")
    sql("UPDATE preview_companies SET source = 'forgotten'")
    [shown] = client.get(URL).json["companies"]
    assert (shown["source"], shown["source_name"], shown["url"]) == ("forgotten", "forgotten", None)
    [unit] = client.get(f"/api/ingestion/dry-run/{preview_id}").json["companies"]
    assert (unit["source"], unit["source_name"], unit["url"]) == ("forgotten", "forgotten", None)
    assert client.patch(f"{URL}/{company_id}", json={"enabled": False}).json["url"] is None
    assert client.get(f"{URL}/export").json["companies"][0]["source"] == "forgotten"
    assert client.delete(f"{URL}/{company_id}").status_code == 204


def test_company_with_an_invalid_board_has_no_url(client, user_id):
    company_id = company(user_id, "acme")
    sql("UPDATE companies SET board = 'a/b'")
    assert client.get(f"{URL}/{company_id}").json["url"] is None


def test_largest_possible_export_can_be_imported(client, user_id):
    """1000 companies with the longest names and lists of terms."""
    terms = [f"{number:02}" + '"' * 98 for number in range(37)]
    many = [
        {"source": "greenhouse", "board": f"{number:04}" + "b" * 60, "name": "🙂" * 100, "include": terms,
         "exclude": terms, "enabled": True}
        for number in range(1000)
    ]
    merge(user_id, many)
    exported = client.get(f"{URL}/export").data
    assert len(exported) <= MAX_IMPORT_BYTES
    response = client.post(f"{URL}/import", data=exported, content_type="application/json")
    assert response.json == {"added": 0, "changed": 0, "unchanged": 1000}


def test_commas_and_semicolons_in_a_term_become_spaces(client):
    response = client.post(URL, json={**ACME, "include": ["front,end", "a;b", ", ;", "Paris, France"]})
    assert response.json["include"] == ["front end", "a b", "Paris France"]


@pytest.mark.parametrize(
    ("submitted", "kept"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("👩\u200d💻 Jobs ❤\ufe0f", "👩\u200d💻 Jobs ❤\ufe0f"),
        ("A\u202ecme\u202c", "Acme"),
        ("\u2066Acme\u2069\u200e\u200f ", "Acme"),
        ("\u200d Acme \u200c", "Acme"),
    ],
)
def test_company_name_keeps_joiners_but_not_direction_marks(client, submitted, kept):
    assert client.post(URL, json={**ACME, "name": submitted}).json["name"] == kept


def test_export_is_the_same_after_a_preview(client, user_id, boards):
    company(user_id, "acme")
    before = client.get(f"{URL}/export").data
    finish_preview(user_id)
    assert client.get(f"{URL}/export").data == before


def test_companies_are_sent_without_escapes(client, user_id):
    """Escapes make the answer up to three times as long: 41 MB for a thousand companies."""
    company(user_id, "acme", include=("日本 🙂",))
    preview_id = begin_preview(user_id)
    for url in (URL, f"{URL}/export", f"/api/ingestion/dry-run/{preview_id}"):
        response = client.get(url)
        assert "日本 🙂".encode() in response.data
        assert response.json["companies"][0]["include"] == ["日本 🙂"]
