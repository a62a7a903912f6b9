"""The counts and the companies of runs over HTTP."""

import json
from base64 import urlsafe_b64encode

import pytest

from tests.support.factories import make_run
from tests.support.responses import problem
from tests.support.run_units import add_unit, insert, lease, other_user


def cursor(*values) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_run_has_its_counts_and_its_question(client, user_id):
    columns = {"deadline_at": "2026-01-02", "worker_seen_at": "2026-01-01", "note": "A note.", "previewed": 12}
    run_id = make_run("ingesting", user_id, retry_of=7, companies_total=4, **columns)
    for position, state in enumerate(("waiting", "waiting", "read", "failed"), 1):
        add_unit(run_id, position, f"b{position}", state)
    add_unit(run_id, 5, "b5", "taken_in", new_jobs=1, changed_jobs=2, reopened_jobs=3, unchanged_jobs=4)
    lease("b2")
    insert("run_closings", run_id=run_id, user_id=user_id, count=70, open=100)
    found = client.get(f"/api/ingestion/runs/{run_id}").json
    expected = {
        "revision": 2 * 10**13 + 5 * 10**9 + 10,
        "retry_of": 7,
        "deadline_at": "2026-01-02T00:00:00+00:00",
        "worker_seen_at": "2026-01-01T00:00:00+00:00",
        "note": "A note.",
        "previewed": 12,
        "companies_total": 4,
        "companies_waiting": 1,
        "companies_reading": 1,
        "companies_read": 1,
        "companies_taken_in": 1,
        "companies_failed": 1,
        "jobs_new": 1,
        "jobs_changed": 2,
        "jobs_reopened": 3,
        "jobs_unchanged": 4,
        "jobs_done": 10,
        "closings": {
            "state": "asked", "count": 70, "open": 100, "expire": None, "expired": None, "answered_at": None,
        },
    }
    assert {name: found[name] for name in expected} == expected
    [listed] = client.get("/api/ingestion/runs").json["runs"]
    assert {**listed, "server_time": 0} == {**found, "server_time": 0}


def test_company_has_all_members(client, user_id):
    run_id = make_run("ingesting", user_id)
    numbers = {"found": 9, "unparsed": 2, "expired_jobs": 3, "held_closings": 4, "previewed": 8}
    counts = {"new_jobs": 1, "changed_jobs": 2, "reopened_jobs": 1, "unchanged_jobs": 3}
    more = {"outcome": "partial", "detail": "A page was not read.", "retry_at": "2026-01-02"}
    times = {"read_at": "2026-01-01", "listing_state": "partial", "company_id": 77}
    add_unit(run_id, 1, "acme", "taken_in", **numbers, **counts, **more, **times)
    assert client.get(f"/api/ingestion/runs/{run_id}/companies").json == {
        "companies": [
            {
                "position": 1,
                "company_id": 77,
                "source": "greenhouse",
                "source_name": "Greenhouse",
                "board": "acme",
                "name": "Acme",
                "url": "https://job-boards.greenhouse.io/acme",
                "state": "taken_in",
                "outcome": "partial",
                "detail": "A page was not read.",
                "retry_at": "2026-01-02T00:00:00+00:00",
                "listing": "partial",
                "read_at": "2026-01-01T00:00:00+00:00",
                "found": 9,
                "unparsed": 2,
                "matched": 7,
                "new": 1,
                "changed": 2,
                "reopened": 1,
                "unchanged": 3,
                "expired": 3,
                "failed": 2,
                "held": 4,
                "previewed": 8,
            }
        ],
        "next": None,
        "revision": 2 * 10**13 + 2 * 10**9 + 7,
    }


def test_waiting_company_of_an_unknown_source_has_nulls(client, user_id):
    run_id = make_run("pending", user_id)
    add_unit(run_id, 1, "acme", source="bygone")
    [found] = client.get(f"/api/ingestion/runs/{run_id}/companies").json["companies"]
    assert (found["state"], found["source_name"]) == ("waiting", "bygone")
    names = ("url", "outcome", "detail", "listing", "read_at", "found", "failed", "matched", "unchanged", "expired")
    assert [found[name] for name in names] == [None] * len(names)


def test_companies_are_paged_by_their_cursor(client, user_id):
    run_id = make_run("ingesting", user_id)
    for position in range(1, 8):
        add_unit(run_id, position, f"b{position}", "failed" if position in (3, 6) else "waiting")
    found, query = [], "limit=3"
    while query:
        page = client.get(f"/api/ingestion/runs/{run_id}/companies?{query}").json
        found += [company["position"] for company in page["companies"]]
        query = page["next"] and f"limit=3&after={page['next']}"
    assert found == [3, 6, 1, 2, 4, 5, 7]
    page = client.get(f"/api/ingestion/runs/{run_id}/companies?state=failed").json
    assert [company["position"] for company in page["companies"]] == [3, 6]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=listed", "state"),
        ("state=", "state"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1.0", "limit"),
        ("after=", "after"),
        ("after=5", "after"),
        ("after=%00", "after"),
        ("after=W10", "after"),
        (f"after={cursor(1, 'a')}", "after"),
        (f"after={cursor(1, -1)}", "after"),
        (f"after={cursor(1, 2**31)}", "after"),
        (f"after={cursor(True, 1)}", "after"),
        (f"after={cursor(1, 2, 3)}", "after"),
        (f"after={'9' * 5000}", "after"),
        ("sort=name", "sort"),
    ],
)
def test_companies_refuse_an_invalid_query(client, user_id, query, field):
    run_id = make_run("pending", user_id)
    members = problem(client.get(f"/api/ingestion/runs/{run_id}/companies?{query}"), 422, "invalid_input")
    assert list(members["errors"]) == [field]


def test_companies_of_another_users_run_look_like_missing_ones(client, user_id):
    theirs = make_run("pending", other_user())
    add_unit(theirs, 1, "acme")
    bodies = []
    for run_id in (theirs, 4040):
        response = client.get(f"/api/ingestion/runs/{run_id}/companies", headers={"X-Request-ID": "same"})
        assert problem(response, 404, "run_not_found") == {}
        bodies.append(response.text.replace(str(run_id), "N"))
    assert bodies[0] == bodies[1]
