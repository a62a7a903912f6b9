"""Jobs over HTTP: lists, one job, and invalid requests."""

import json
from base64 import urlsafe_b64encode

import pytest

from app.schemas.cursors import encode_cursor
from tests.support.factories import make_run
from tests.support.listings import miss, offer
from tests.support.previews import company
from tests.support.responses import HUGE_IDS, INVALID_IDS, problem
from tests.support.run_units import add_event, add_job, other_user

URL = "/api/ingestion/jobs"


def cursor(*values) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def titles(client, query: str) -> list[str]:
    return [job["title"] for job in client.get(f"{URL}?{query}").json["jobs"]]


@pytest.fixture
def job_id(user_id) -> int:
    """A job with all columns, and its changes by a run."""
    company(user_id, "acme", include=("engineer",))
    run_id = make_run("finished", user_id)
    posting_id = offer("acme", "Engineer")
    miss(posting_id)
    job_id = add_job(
        user_id, external_id="17", url="https://example.org/17", posting_id=posting_id, run_id=run_id,
        locations=["Berlin", "Bonn"], workplace="hybrid", employment_type="Full time", posted_at="2026-01-02T23:30Z",
        pay='{"min": 50000, "currency": "EUR"}', is_baseline=True, requirements="Python.",
    )
    add_event(job_id, run_id, "new", listing_id=1, is_baseline=True)
    add_event(job_id, run_id, "changed", listing_id=2, fields=["title", "pay"])
    return job_id


def test_job_has_all_members(client, job_id):
    found = client.get(f"{URL}/{job_id}").json
    assert all(found.pop(name).endswith("+00:00") for name in ("found_at", "missing_since"))
    history = found.pop("history")
    assert all(event.pop("at").endswith("+00:00") for event in history)
    assert history == [
        {"event_id": 1, "kind": "new", "fields": [], "listing_id": 1},
        {"event_id": 2, "kind": "changed", "fields": ["title", "pay"], "listing_id": 2},
    ]
    assert found == {
        "job_id": job_id,
        "company": "greenhouse:acme",
        "company_name": "Acme",
        "external_id": "17",
        "title": "Engineer",
        "locations": ["Berlin", "Bonn"],
        "workplace": "hybrid",
        "employment_type": "Full time",
        "salary": {"min": 50000.0, "max": None, "currency": "EUR", "interval": None, "text": None},
        "posted_on": "2026-01-02",
        "at_least_since": True,
        "state": "missing",
        "status": "ready",
        "gone_at": None,
        "url": "https://example.org/17",
        "run_id": 1,
        "description": None,
        "requirements": "Python.",
        "text": "ready",
        "rule": {"kind": "include", "term": "engineer"},
    }


def test_list_has_the_members_of_a_job_without_its_texts(client, job_id):
    whole = client.get(f"{URL}/{job_id}").json
    more = ("description", "requirements", "text", "rule", "history")
    expected = {name: value for name, value in whole.items() if name not in more}
    assert client.get(URL).json == {"jobs": [expected], "next": None}


def test_job_of_an_old_run_has_nulls(client, user_id):
    names = ("source", "board_id", "company_name")
    job_id = add_job(user_id, None, status="expired", expired_at="2026-01-03", **dict.fromkeys(names))
    found = client.get(f"{URL}/{job_id}").json
    missing = ("company_name", "title", "salary", "posted_on", "missing_since", "run_id", "rule", "description")
    assert [found[name] for name in missing] == [None] * len(missing)
    assert (found["state"], found["gone_at"], found["text"]) == ("gone", "2026-01-03T00:00:00+00:00", "pending")
    assert (found["locations"], found["history"]) == ([], [])


@pytest.mark.parametrize("sort", ["", "sort=newest&", "sort=oldest&", "sort=title&", "sort=company&"])
def test_pages_are_followed_by_their_cursor(client, user_id, sort):
    made = [add_job(user_id, title) for title in ("Ä", "b", "a", "\u65e5\u672c\U0001f642" * 60, None)]
    found, query = [], f"{sort}limit=2"
    while query:
        page = client.get(f"{URL}?{query}").json
        found += [job["job_id"] for job in page["jobs"]]
        query = page["next"] and f"{sort}limit=2&after={page['next']}"
    assert sorted(found) == made


def test_filters_can_be_combined(client, user_id):
    run_id = make_run("finished", user_id)
    company(user_id, "acme")
    for title, board in (("Senior Cook", "acme"), ("Cook", "acme"), ("Cook", "beta")):
        add_event(add_job(user_id, title, board), run_id)
    add_job(other_user(), "Senior Cook")
    assert titles(client, "q=COOK&state=open") == ["Cook", "Senior Cook"]
    assert titles(client, "state=unfollowed&company=greenhouse:beta&source=greenhouse") == ["Cook"]
    assert titles(client, f"run={run_id}&q=senior%20c%C3%B2ok") == ["Senior Cook"]
    assert titles(client, f"run={run_id + 1}") == []


def test_list_has_fifty_jobs_by_default_and_at_most_a_hundred(client, user_id):
    for number in range(101):
        add_job(user_id, str(number))
    assert (len(titles(client, "")), len(titles(client, "limit=100"))) == (50, 100)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("company=", "company"),
        (f"company={'x' * 101}", "company"),
        ("company=%00", "company"),
        ("source=", "source"),
        (f"source={'x' * 41}", "source"),
        ("run=0", "run"),
        ("run=-1", "run"),
        ("run=x", "run"),
        ("run=", "run"),
        (f"run={2**31}", "run"),
        ("state=closed", "state"),
        ("state=", "state"),
        ("state=OPEN", "state"),
        ("q=", "q"),
        ("q=%00", "q"),
        (f"q={'x' * 201}", "q"),
        ("sort=", "sort"),
        ("sort=id", "sort"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("after=", "after"),
        ("after=1", "after"),
        ("after=%00", "after"),
        ("after=%F0%9F%99%82", "after"),
        ("after=!!!!", "after"),
        (f"after={'A' * 4000}", "after"),
        (f"after={cursor(1)}", "after"),
        (f"after={cursor('newest', '', '1')}", "after"),
        (f"after={cursor('newest', 1, 1)}", "after"),
        (f"after={cursor('newest', '', True)}", "after"),
        (f"after={cursor('newest', '', 1.5)}", "after"),
        (f"after={cursor('newest', '', -1)}", "after"),
        (f"after={cursor('newest', '', 2**31)}", "after"),
        (f"after={cursor('newest', chr(0), 1)}", "after"),
        (f"after={cursor('newest', chr(0xd800), 1)}", "after"),
        (f"after={cursor('newest', '', 1, 1)}", "after"),
        (f"after={cursor('title', 'a', 1)}", "after"),
        (f"sort=title&after={cursor('newest', '', 1)}", "after"),
        ("order=asc", "order"),
        ("user_id=1", "user_id"),
    ],
)
def test_list_refuses_an_invalid_query(client, query, field):
    members = problem(client.get(f"{URL}?{query}"), 422, "invalid_input")
    assert list(members["errors"]) == [field]
    assert all(isinstance(text, str) for text in members["errors"][field])


@pytest.mark.parametrize("after", [("newest", "", 0), ("newest", "", 2**31 - 1), ("newest", "x' OR 1=1", 7)])
def test_list_accepts_every_cursor_of_its_order(client, user_id, after):
    assert client.get(f"{URL}?after={encode_cursor(after)}").status_code == 200


@pytest.mark.parametrize("job_id", INVALID_IDS + HUGE_IDS)
def test_invalid_job_id_is_404(client, job_id):
    problem(client.get(f"{URL}/{job_id}"), 404, "not_found")


def test_job_of_another_user_looks_like_a_missing_one(client, user_id):
    theirs = add_job(other_user())
    bodies = []
    for job_id in (theirs, 4040):
        response = client.get(f"{URL}/{job_id}", headers={"X-Request-ID": "same"})
        assert problem(response, 404, "job_not_found") == {}
        bodies.append(response.text.replace(str(job_id), "N"))
    assert bodies[0] == bodies[1]
    assert client.get(URL).json == {"jobs": [], "next": None}
