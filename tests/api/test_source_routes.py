"""The systems, and looking at a board before it is saved."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from app.api.auth.rate_limits import MAX_DETECTIONS
from app.sources.http.rate_limit import RateLimiter, connect
from tests.support.accounts import Visitor, in_browser, person
from tests.support.boards import Reply, job
from tests.support.waiting import wait_until

DETECT = "/api/ingestion/companies/detect"
ACME = "https://boards.greenhouse.io/acme"


def detect(client, **given):
    return client.post(DETECT, json=given)


def test_the_systems_are_told_with_boards_to_begin_with(client):
    told = client.get("/api/ingestion/sources").json
    assert [source["key"] for source in told["sources"]] == [
        *("greenhouse", "lever", "ashby", "personio", "recruitee", "teamtailor", "workable", "website")
    ]
    assert set(told["sources"][0]) == {"key", "name", "documentation", "policy", "example", "board_hint"}
    assert {"source": "greenhouse", "board": "anthropic", "name": "Anthropic"} in told["starters"]


def test_an_address_becomes_a_board_that_was_looked_at(client, boards):
    boards.greenhouse("acme", [job(n, f"Job {n}") for n in range(5)])
    answer = detect(client, url=ACME)
    assert answer.status_code == 200
    assert answer.json == {
        "source": "greenhouse",
        "source_name": "Greenhouse",
        "board": "acme",
        "name": None,
        "url": "https://job-boards.greenhouse.io/acme",
        "postings": 5,
        "is_complete": True,
        "titles": ["Job 0", "Job 1", "Job 2"],
        "company_id": None,
        "note": None,
    }
    assert client.get("/api/ingestion/companies").json == {"companies": []}


def test_a_board_may_be_named_by_its_system_and_its_name_there(client, boards):
    boards.lever("acme", [])
    answer = detect(client, source="lever", board=" acme ")
    assert (answer.json["source"], answer.json["board"], answer.json["postings"]) == ("lever", "acme", 0)


def test_what_is_saved_already_is_told(client, boards):
    boards.greenhouse("acme", [])
    company = {"source": "greenhouse", "board": "acme", "name": "Acme"}
    saved = client.post("/api/ingestion/companies", json=company).json["company_id"]
    assert detect(client, url=ACME).json["company_id"] == saved


def test_what_another_user_has_saved_is_not(accounts_app, browser, boards):
    boards.greenhouse("acme", [])
    browser.call("POST", "ingestion/companies", {"source": "greenhouse", "board": "acme", "name": "Acme"})
    person(accounts_app, "bob@example.org")
    bob = in_browser(accounts_app, "bob@example.org")
    assert bob.call("POST", "ingestion/companies/detect", {"url": ACME}).json["company_id"] is None


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "board_not_found"), (410, "board_gone"), (403, "board_forbidden"), (500, "board_unreachable")]
    + [(418, "board_changed"), (200, "board_changed")],
)
def test_a_board_that_cannot_be_looked_at_is_a_problem_with_a_name(client, boards, status, code):
    boards.fault("acme", status)
    answer = detect(client, url=ACME)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["detail"].endswith(".")


def test_a_system_that_wants_fewer_requests_says_until_when(client, boards):
    boards.fault("acme", 429, retry_after="900")
    answer = detect(client, url=ACME)
    assert (answer.status_code, answer.json["code"]) == (422, "board_throttled")
    assert "T" in answer.json["retry_at"]


@pytest.mark.parametrize(
    "url",
    ["http://acme.example", "https://localhost/x", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/x"]
    + ["file:///etc/passwd", "not an address", "https://user:pw@acme.example/"],
)
def test_an_address_that_points_inward_or_nowhere_is_refused(client, boards, url):
    answer = detect(client, url=url)
    assert (answer.status_code, answer.json["code"]) == (422, "address_refused")
    assert boards.requests == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": ""},
        {"url": "x" * 2001},
        {"url": None},
        {"url": 7},
        {"url": "a\x00b"},
        {"url": ACME, "source": "lever"},
        {"source": "lever"},
        {"board": "acme"},
        {"source": "monster", "board": "acme"},
        {"source": "lever", "board": ""},
        {"url": ACME, "odd": 1},
    ],
)
def test_what_says_nothing_or_too_much_is_bad_input(client, given):
    answer = detect(client, **given)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert answer.json["errors"]


def test_a_name_that_no_board_can_have_is_not_found_and_asked_for_nowhere(client, boards):
    assert detect(client, source="lever", board="../../etc").json["code"] == "board_not_found"
    assert boards.requests == []


def test_detections_beyond_the_limit_are_refused_and_hold_up_nothing_else(app, client, boards):
    hold = Event()
    boards.greenhouse("acme", [], hold=hold)
    slots = MAX_DETECTIONS
    with ThreadPoolExecutor(slots) as pool:
        waiting = [pool.submit(detect, app.test_client(), url=ACME) for _ in range(slots)]
        wait_until(lambda: boards.count("/v1/boards/acme/jobs") == slots, what="the slots to be taken")
        refused = detect(client, url=ACME)
        assert (refused.status_code, refused.json["code"]) == (503, "detect_busy")
        assert int(refused.headers["Retry-After"]) > 0
        assert client.post("/api/ingestion/start").status_code == 201
        hold.set()
        assert [each.result().status_code for each in waiting] == [200] * slots
    assert detect(client, url=ACME).status_code == 200


def test_without_redis_it_is_told_to_come_again(app, client, boards, monkeypatch):
    away = RateLimiter(connect("redis://127.0.0.1:1"))
    monkeypatch.setitem(app.extensions, "sources", app.extensions["sources"].with_limiter(away))
    answer = detect(client, url=ACME)
    assert (answer.status_code, answer.json["code"]) == (503, "detect_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert boards.requests == []


def test_nobody_tries_names_without_end(client, boards):
    boards.answer("/v0/postings/acme", Reply(200, b"[]"))
    answers = [detect(client, source="lever", board="acme") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert answers[-1].json["code"] == "too_many_requests" and int(answers[-1].headers["Retry-After"]) > 0


def test_only_who_is_signed_in_looks_for_boards(accounts_app, boards):
    visitor = Visitor(accounts_app)
    assert visitor.call("POST", "ingestion/companies/detect", {"url": ACME}).status_code == 401
    assert visitor.call("GET", "ingestion/sources").status_code == 401
    assert boards.requests == []
