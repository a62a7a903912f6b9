"""Companies that two tabs change, that this version does not know, and that are many."""

from datetime import UTC, datetime

import pytest

from app.config.settings import MAX_IMPORT_BYTES
from app.services.companies import companies
from app.services.companies import detect as boards_service
from app.sources.adapters.registry import SOURCES
from app.sources.detect import Detected
from tests.api.test_company_routes import ACME, URL, fault
from tests.api.test_ingestion_routes import problem
from tests.support.factories import sql
from tests.support.parallel import in_parallel
from tests.support.previews import begun, company, finished


def test_a_change_of_what_was_seen_is_made_and_of_anything_older_is_not(client, user_id):
    path = f"{URL}/{company(user_id, 'acme')}"
    seen = client.get(path).json["updated_at"]
    first = client.patch(path, json={"name": "First", "updated_at": seen})
    assert (first.status_code, first.json["name"]) == (200, "First")
    answer = client.patch(path, json={"name": "Second", "updated_at": seen})
    assert problem(answer, 409, "company_changed") == {"company": first.json}
    assert client.get(path).json == first.json
    # Without a change there is nothing to make, but something to be told.
    assert problem(client.patch(path, json={"updated_at": seen}), 409, "company_changed") == {"company": first.json}
    now = first.json["updated_at"]
    assert client.patch(path, json={"updated_at": now.replace("+00:00", "Z")}).json == first.json
    assert client.patch(path, json={"name": "Third"}).json["name"] == "Third"
    problem(client.patch(f"{URL}/987", json={"name": "x", "updated_at": now}), 404, "company_not_found")


@pytest.mark.parametrize("time", ["", "yesterday", 7, None, "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_refused(client, user_id, time):
    fault(client, "updated_at", {"updated_at": time}, f"/{company(user_id, 'acme')}", "PATCH")


def test_the_strangest_offset_is_only_another_time(client, user_id):
    path = f"{URL}/{company(user_id, 'acme')}"
    answer = client.patch(path, json={"name": "x", "updated_at": "2026-01-01T00:00:00+23:59"})
    problem(answer, 409, "company_changed")


@pytest.mark.parametrize("method", ["POST", "import"])
def test_only_a_change_says_what_it_was_seen_as(client, user_id, method):
    given = {**ACME, "updated_at": datetime.now(UTC).isoformat()}
    if method == "POST":
        fault(client, "updated_at", given)
    else:
        fault(client, "companies.0.updated_at", {"companies": [given]}, "/import")


def test_of_two_changes_of_the_same_thing_seen_one_is_made(app, user_id):
    company_id = company(user_id, "acme")
    for number in range(10):
        seen = companies.get(company_id, user_id).updated_at
        outcomes = in_parallel(
            app,
            *[lambda n=n: companies.change(company_id, user_id, {"name": f"{number} {n}"}, seen) for n in range(4)],
        )
        made = [each for each in outcomes if not isinstance(each, Exception)]
        assert len(made) == 1
        assert {each.code for each in outcomes if isinstance(each, Exception)} == {"company_changed"}
        assert companies.get(company_id, user_id).name == made[0].name


def test_a_company_of_a_system_that_is_not_known_is_shown_changed_and_removed(client, user_id):
    company_id = company(user_id, "acme")
    preview_id = begun(user_id)
    sql("UPDATE companies SET source = 'forgotten'")
    sql("UPDATE preview_companies SET source = 'forgotten'")
    [shown] = client.get(URL).json["companies"]
    assert (shown["source"], shown["source_name"], shown["url"]) == ("forgotten", "forgotten", None)
    [unit] = client.get(f"/api/ingestion/dry-run/{preview_id}").json["companies"]
    assert (unit["source"], unit["source_name"], unit["url"]) == ("forgotten", "forgotten", None)
    assert client.patch(f"{URL}/{company_id}", json={"enabled": False}).json["url"] is None
    assert client.get(f"{URL}/export").json["companies"][0]["source"] == "forgotten"
    assert client.delete(f"{URL}/{company_id}").status_code == 204


def test_a_board_whose_name_is_not_valid_any_more_has_no_address(client, user_id):
    company_id = company(user_id, "acme")
    sql("UPDATE companies SET board = 'a/b'")
    assert client.get(f"{URL}/{company_id}").json["url"] is None


def test_the_largest_list_that_can_be_is_exported_and_imported(client, user_id):
    """As much as fits: terms until the list is full."""
    terms = [f"{number:02}" + '"' * 98 for number in range(37)]
    given = [
        {"source": "greenhouse", "board": f"{number:04}" + "b" * 60, "name": "🙂" * 100, "include": terms,
         "exclude": terms, "enabled": True}
        for number in range(1000)
    ]
    companies.merge(user_id, given)
    exported = client.get(f"{URL}/export").data
    assert len(exported) <= MAX_IMPORT_BYTES
    answer = client.post(f"{URL}/import", data=exported, content_type="application/json")
    assert answer.json == {"added": 0, "changed": 0, "unchanged": 1000}


def test_a_comma_within_a_term_is_a_blank(client):
    answer = client.post(URL, json={**ACME, "include": ["front,end", "a;b", ", ;", "Paris, France"]})
    assert answer.json["include"] == ["front end", "a b", "Paris France"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("👩\u200d💻 Jobs ❤\ufe0f", "👩\u200d💻 Jobs ❤\ufe0f"),
        ("A\u202ecme\u202c", "Acme"),
        ("\u2066Acme\u2069\u200e\u200f ", "Acme"),
        ("\u200d Acme \u200c", "Acme"),
    ],
)
def test_joiners_stay_in_a_name_and_orders_about_direction_do_not(client, given, kept):
    assert client.post(URL, json={**ACME, "name": given}).json["name"] == kept


@pytest.mark.parametrize(
    ("reported", "proposed"),
    [
        ("Acme", "Acme"),
        ("x" * 300, "x" * 100),
        ("x" * 99 + " y", "x" * 99),
        ("A\u00adc\ufeffme\u2028Ltd \u00a0 \u3000Co\ue000", "Acme Ltd Co"),
        ("\u202eAcme \U0010ffff", "Acme"),
        ("\u200b\u2060", None),
        ("", None),
        (None, None),
    ],
)
def test_the_name_that_is_proposed_is_one_that_is_taken(client, user_id, monkeypatch, reported, proposed):
    source = SOURCES["greenhouse"]
    found = Detected(source, source.board("acme"), reported, 0, True)
    monkeypatch.setattr(boards_service, "detect_url", lambda *_: found)
    answer = client.post(f"{URL}/detect", json={"url": "https://example.org"})
    assert answer.json["name"] == proposed
    if proposed:
        assert client.post(URL, json={**ACME, "name": proposed}).json["name"] == proposed


def test_what_is_exported_after_a_preview_is_the_same(client, user_id, boards):
    company(user_id, "acme")
    before = client.get(f"{URL}/export").data
    finished(user_id)
    assert client.get(f"{URL}/export").data == before
