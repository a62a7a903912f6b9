"""The Idempotency-Key over HTTP: its syntax, replays, and the scope of keys."""

import pytest
from prometheus_client import REGISTRY
from werkzeug.datastructures import Headers

from app.services.runs import idempotency
from tests.support.accounts import Visitor, in_browser, person, with_token
from tests.support.boards import job
from tests.support.factories import open_transaction, row, sql, timeline
from tests.support.parallel import in_parallel
from tests.support.previews import company, finish_preview
from tests.support.responses import problem

START = "/api/ingestion/start"
QUEUE = "job-ingestion:ingestion"
KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


def start(client, key: str = KEY, **options):
    return client.post(START, headers={"Idempotency-Key": key}, **options)


def test_replay_returns_the_first_run_and_changes_nothing(client, broker):
    first = start(client)
    assert (first.status_code, first.json, first.headers.get("Idempotency-Replayed")) == (201, {"run_id": 1}, None)
    before = row(1), timeline(1), broker.llen(QUEUE)
    for _ in range(3):
        again = start(client)
        assert (again.status_code, again.data, again.headers["Idempotency-Replayed"]) == (200, first.data, "true")
        assert again.headers["Location"] == first.headers["Location"] == "/api/ingestion/runs/1"
    assert (row(1), timeline(1), broker.llen(QUEUE)) == before
    assert broker.llen(QUEUE) == 1


def test_replay_works_after_the_runs_end_and_during_another_run(client):
    start(client)
    client.post("/api/ingestion/abort/1")
    other = client.post(START).json["run_id"]
    again = start(client)
    assert (again.status_code, again.json) == (200, {"run_id": 1})
    assert problem(start(client, "another"), 409, "run_active") == {"run_id": other}


def test_replay_accepts_an_equivalent_body(client):
    assert start(client).status_code == 201
    for body in (b"", b"{}", b" { } ", b'{"preview_id": null}'):
        assert start(client, data=body, content_type="application/json").status_code == 200


def test_key_with_another_body_is_refused_with_the_runs_id(client):
    start(client)
    assert problem(start(client, json={"preview_id": 5}), 422, "idempotency_key_reused") == {}
    assert "run 1 " in start(client, json={"preview_id": 5}).json["detail"]
    assert sql("SELECT count(*) FROM ingestion_runs") == [(1,)]


@pytest.mark.parametrize(
    "refused", [{"json": {"other": 1}}, {"json": {"preview_id": 9}}, {"data": b"{", "content_type": "application/json"}]
)
def test_refused_start_leaves_the_key_free(client, refused):
    assert start(client, **refused).status_code in (400, 404, 422)
    assert start(client).status_code == 201


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("8e03978e-40d5", "8e03978e-40d5"),
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        ("A.b_c~d:/+=-9", "A.b_c~d:/+=-9"),
        ('"two words, (and) more; ~!"', "two words, (and) more; ~!"),
        (r'"a\"b\\c"', r'a"b\c'),
        ('" "', " "),
        ("x" * 255, "x" * 255),
        (f'"{"x" * 255}"', "x" * 255),
        (f'"{chr(92) * 510}"', "\\" * 255),
    ],
    ids=lambda value: value[:30],
)
def test_parse_key_accepts_quoted_and_bare_keys(client, written, key):
    assert start(client, written).status_code == 201
    assert row(1).idempotency_key == key
    assert start(client, written).status_code == 200


def test_parse_key_treats_a_quoted_and_a_bare_key_as_one(client):
    assert [start(client, key).status_code for key in ("abc", '"abc"', '"abc "')] == [201, 200, 409]


MALFORMED_KEYS = [
    "", '""', '"', '"a',
    'a"', '"a"b', "a b", "a,b", '"a", "b"', '"a","a"', '"a";q=1', "'a'", "a;b", "(a)", "?1", "a\\b",
    '"a\\b"', '"a\\"', '"a\tb"', '"\x7f"', "ä", '"ä"', '"\u0663"', "x" * 256, f'"{"x" * 256}"',
    f'"{chr(92) * 511}"',
]


@pytest.mark.parametrize("written", MALFORMED_KEYS, ids=lambda value: ascii(value)[:30])
def test_parse_key_refuses_malformed_keys(client, written):
    response = start(client, written.encode().decode("latin1"))
    assert problem(response, 400, "idempotency_key_invalid") == {}
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize("both", [("a", "b"), ("a", "a"), ('"a"', '"b"'), ("a", "")])
def test_parse_key_refuses_a_repeated_header(client, both):
    response = client.post(START, headers=Headers([("Idempotency-Key", each) for each in both]))
    problem(response, 400, "idempotency_key_invalid")
    assert sql("SELECT 1 FROM ingestion_runs") == []


def test_key_is_ignored_by_other_operations(client):
    headers = {"Idempotency-Key": '"not a key'}
    assert client.get("/api/ingestion/current-run", headers=headers).status_code == 200
    acme = {"source": "greenhouse", "board": "acme", "name": "Acme"}
    assert client.post("/api/ingestion/companies", json=acme, headers=headers).status_code == 201
    assert client.post("/api/ingestion/dry-run", headers=headers).status_code == 201
    run_id = start(client).json["run_id"]
    for _ in range(2):
        assert client.post(f"/api/ingestion/abort/{run_id}", headers=headers).status_code == 200


def test_replays_in_parallel_give_one_run_and_one_message(app, broker):
    responses = in_parallel(app, *[lambda: start(app.test_client())] * 10)
    assert sorted(response.status_code for response in responses) == [200] * 9 + [201]
    # A start that lost the race may have used up an id.
    assert len({response.json["run_id"] for response in responses}) == 1
    assert broker.llen(QUEUE) == 1


def test_replay_is_503_while_the_outcome_is_unknown(client, user_id):
    """The first request's statement hangs in PostgreSQL, so its outcome is unknown to the second request."""
    fingerprint = idempotency.fingerprint(None).hex()
    first = "INSERT INTO ingestion_runs (user_id, idempotency_key, request_fingerprint)"
    with open_transaction(f"{first} VALUES ({user_id}, 'k', decode('{fingerprint}', 'hex'))") as other:
        response = start(client, "k")
        assert problem(response, 503, "database_unavailable") == {}
        assert response.headers["Retry-After"] == "2"
        other.commit()
    response = start(client, "k")
    assert (response.status_code, response.json) == (200, {"run_id": 1})


def test_metrics_count_new_and_replayed_starts(client):
    def counts() -> list[float]:
        return [REGISTRY.get_sample_value("run_starts_total", {"outcome": each}) or 0 for each in ("new", "replayed")]

    new, replayed = counts()
    for _ in range(3):
        start(client)
    assert counts() == [new + 1, replayed + 2]


@pytest.fixture
def ann(accounts_app) -> int:
    return person(accounts_app, "ann@example.org")


def test_keys_are_shared_by_a_users_session_and_token(accounts_app, ann):
    browser, curl = in_browser(accounts_app, "ann@example.org"), with_token(accounts_app, ann)
    first, replay = (visitor.call("POST", "ingestion/start", Idempotency_Key=KEY) for visitor in (browser, curl))
    assert (first.status_code, first.json) == (201, {"run_id": 1})
    assert (replay.status_code, replay.json) == (200, {"run_id": 1})


def test_keys_of_two_users_are_independent(accounts_app, ann, boards):
    """Keys reveal nothing to other users: Bob's start with Ann's key and another body is accepted."""
    boards.greenhouse("acme", [job(1, "Engineer")])
    bob = person(accounts_app, "bob@example.org")
    company(bob, "acme")
    preview_id = finish_preview(bob)
    anns = with_token(accounts_app, ann).call("POST", "ingestion/start", Idempotency_Key=KEY)
    bobs = with_token(accounts_app, bob).call(
        "POST", "ingestion/start", {"preview_id": preview_id}, Idempotency_Key=KEY
    )
    assert (anns.status_code, bobs.status_code) == (201, 201)
    assert anns.json != bobs.json


@pytest.mark.parametrize("key", [KEY, '"no key'])
def test_key_reveals_nothing_without_a_credential(accounts_app, ann, key):
    with_token(accounts_app, ann).call("POST", "ingestion/start", Idempotency_Key=KEY)
    problem(Visitor(accounts_app).call("POST", "ingestion/start", Idempotency_Key=key), 401, "unauthenticated")
