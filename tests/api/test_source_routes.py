"""Sources, and the detection of boards, over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from app.api.auth.rate_limits import MAX_DETECTIONS, MAX_DETECTIONS_PER_USER
from app.services.boards import switches
from app.services.companies import detect as detect_service
from app.sources.adapters.registry import SOURCES
from app.sources.detect import Detected
from app.sources.http.rate_limit import RateLimiter, connect
from tests.support.accounts import Visitor, in_browser, person, with_token
from tests.support.boards import Reply, job
from tests.support.listed_boards import add_postings, make_board
from tests.support.responses import problem
from tests.support.waiting import wait_until

DETECT = "/api/ingestion/companies/detect"
ACME = "https://boards.greenhouse.io/acme"


def detect(client, **body):
    return client.post(DETECT, json=body)


def test_sources_are_listed_with_suggested_companies(client):
    body = client.get("/api/ingestion/sources").json
    assert [source["key"] for source in body["sources"]] == [
        *("greenhouse", "lever", "ashby", "personio", "recruitee", "teamtailor", "workable", "website")
    ]
    assert set(body["sources"][0]) == {"key", "name", "documentation", "policy", "example", "board_hint", "is_on"}
    assert {"source": "greenhouse", "board": "anthropic", "name": "Anthropic"} in body["starters"]


def test_detect_finds_and_reads_the_board_of_a_url(client, boards):
    boards.greenhouse("acme", [job(n, f"Job {n}") for n in range(5)])
    response = detect(client, url=ACME)
    assert response.status_code == 200
    assert response.json == {
        "source": "greenhouse",
        "source_name": "Greenhouse",
        "board": "acme",
        "name": None,
        "url": "https://job-boards.greenhouse.io/acme",
        "postings": 5,
        "is_complete": True,
        "titles": ["Job 0", "Job 1", "Job 2"],
        "company_id": None,
        "same_as": None,
        "note": None,
    }
    assert client.get("/api/ingestion/companies").json == {"companies": []}


def test_detect_accepts_a_source_and_a_board(client, boards):
    boards.lever("acme", [])
    response = detect(client, source="lever", board=" acme ")
    assert (response.json["source"], response.json["board"], response.json["postings"]) == ("lever", "acme", 0)


def test_detect_names_a_company_that_is_already_saved(client, boards):
    boards.greenhouse("acme", [])
    company = {"source": "greenhouse", "board": "acme", "name": "Acme"}
    saved = client.post("/api/ingestion/companies", json=company).json["company_id"]
    assert detect(client, url=ACME).json["company_id"] == saved


def test_detect_names_a_company_with_the_same_board(client, boards):
    company = {"source": "greenhouse", "board": "old-name", "name": "Acme"}
    saved = client.post("/api/ingestion/companies", json=company).json["company_id"]
    add_postings(make_board("greenhouse", "old-name"), [str(number) for number in range(6)])
    boards.greenhouse("acme", [job(number, "Cook") for number in range(7)])
    found = detect(client, url=ACME).json
    assert (found["company_id"], found["same_as"]) == (None, {"company_id": saved, "name": "Acme"})


def test_detect_never_names_another_users_same_board(accounts_app, browser, boards):
    browser.call("POST", "ingestion/companies", {"source": "greenhouse", "board": "ACME", "name": "Acme"})
    boards.greenhouse("acme", [])
    person(accounts_app, "bob@example.org")
    bob = in_browser(accounts_app, "bob@example.org")
    assert bob.call("POST", "ingestion/companies/detect", {"url": ACME}).json["same_as"] is None


def test_sources_show_which_are_switched_off(client):
    switches.switch_off("lever")
    sources = client.get("/api/ingestion/sources").json["sources"]
    assert [source["key"] for source in sources if not source["is_on"]] == ["lever"]


@pytest.mark.parametrize("body", [{"url": ACME}, {"source": "greenhouse", "board": "acme"}])
def test_detect_refuses_a_source_that_is_switched_off(client, boards, body):
    switches.switch_off("greenhouse")
    response = detect(client, **body)
    assert problem(response, 422, "source_off") == {}
    assert response.json["detail"] == "The operator has switched off reading Greenhouse on this server."
    assert boards.requests == []
    company = {"source": "greenhouse", "board": "acme", "name": "Acme"}
    assert client.post("/api/ingestion/companies", json=company).status_code == 201


def test_detect_does_not_reveal_companies_of_other_users(accounts_app, browser, boards):
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
def test_detect_names_the_reason_if_the_board_cannot_be_read(client, boards, status, code):
    boards.fault("acme", status)
    response = detect(client, url=ACME)
    assert (response.status_code, response.json["code"]) == (422, code)
    assert response.json["detail"].endswith(".")


def test_detect_passes_on_the_retry_time_of_a_source(client, boards):
    boards.fault("acme", 429, retry_after="900")
    response = detect(client, url=ACME)
    assert (response.status_code, response.json["code"]) == (422, "board_throttled")
    assert "T" in response.json["retry_at"]


@pytest.mark.parametrize(
    "url",
    ["http://acme.example", "https://localhost/x", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/x"]
    + ["file:///etc/passwd", "not an address", "https://user:pw@acme.example/"],
)
def test_detect_refuses_internal_and_malformed_urls(client, boards, url):
    response = detect(client, url=url)
    assert (response.status_code, response.json["code"]) == (422, "address_refused")
    assert boards.requests == []


@pytest.mark.parametrize(
    "body",
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
def test_detect_refuses_incomplete_and_contradictory_bodies(client, body):
    response = detect(client, **body)
    assert (response.status_code, response.json["code"]) == (422, "invalid_input")
    assert response.json["errors"]


def test_detect_sends_no_request_for_an_impossible_board(client, boards):
    assert detect(client, source="lever", board="../../etc").json["code"] == "board_not_found"
    assert boards.requests == []


def detect_for(visitor: Visitor):
    return visitor.call("POST", "ingestion/companies/detect", {"url": ACME})


@contextmanager
def detections_in_progress(boards, visitors: list[Visitor]) -> Iterator[None]:
    """Hold one detection of each visitor in the middle during the block; then all of them succeed."""
    hold = Event()
    boards.greenhouse("acme", [], hold=hold)
    with ThreadPoolExecutor(len(visitors)) as pool:
        waiting = [pool.submit(detect_for, visitor) for visitor in visitors]
        wait_until(lambda: boards.count("/v1/boards/acme/jobs") == len(visitors), what="all slots to be in use")
        try:
            yield
        finally:
            hold.set()
        assert [each.result().status_code for each in waiting] == [200] * len(visitors)


def test_detect_beyond_the_slots_is_503_and_delays_nothing_else(accounts_app, boards):
    users = [person(accounts_app, f"{number}@example.org") for number in range(MAX_DETECTIONS + 1)]
    *holding, late = [with_token(accounts_app, user) for user in users]
    with detections_in_progress(boards, holding):
        refused = detect_for(late)
        assert (refused.status_code, refused.json["code"]) == (503, "detect_busy")
        assert int(refused.headers["Retry-After"]) > 0
        assert late.call("POST", "ingestion/start").status_code == 201
    assert detect_for(late).status_code == 200


def test_detect_beyond_the_users_slots_is_429_and_others_are_served(accounts_app, curl, boards):
    other = with_token(accounts_app, person(accounts_app, "bob@example.org"))
    twins = [Visitor(accounts_app, **curl.headers) for _ in range(MAX_DETECTIONS_PER_USER)]
    with detections_in_progress(boards, twins):
        refused = [detect_for(curl) for _ in range(5)]
        assert {(each.status_code, each.json["code"]) for each in refused} == {(429, "too_many_detections")}
        assert int(refused[0].headers["Retry-After"]) > 0
        boards.greenhouse("acme", [])
        assert detect_for(other).status_code == 200
    assert detect_for(curl).status_code == 200


def test_detect_without_redis_is_503_with_retry_after(app, client, boards, monkeypatch):
    unavailable = RateLimiter(connect("redis://127.0.0.1:1"))
    monkeypatch.setitem(app.extensions, "sources", app.extensions["sources"].with_limiter(unavailable))
    response = detect(client, url=ACME)
    assert (response.status_code, response.json["code"]) == (503, "detect_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert boards.requests == []


def test_detect_is_rate_limited(client, boards):
    boards.answer("/v0/postings/acme", Reply(200, b"[]"))
    responses = [detect(client, source="lever", board="acme") for _ in range(31)]
    assert [response.status_code for response in responses] == [200] * 30 + [429]
    assert responses[-1].json["code"] == "too_many_requests" and int(responses[-1].headers["Retry-After"]) > 0


def test_detect_requires_a_credential(accounts_app, boards):
    visitor = Visitor(accounts_app)
    assert visitor.call("POST", "ingestion/companies/detect", {"url": ACME}).status_code == 401
    assert visitor.call("GET", "ingestion/sources").status_code == 401
    assert boards.requests == []


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
def test_detected_name_is_valid_as_a_company_name(client, user_id, monkeypatch, reported, proposed):
    source = SOURCES["greenhouse"]
    found = Detected(source, source.board("acme"), reported, 0, True)
    monkeypatch.setattr(detect_service, "detect_url", lambda *_: found)
    assert detect(client, url=ACME).json["name"] == proposed
    if proposed:
        company = {"source": "greenhouse", "board": "acme", "name": proposed}
        assert client.post("/api/ingestion/companies", json=company).json["name"] == proposed
