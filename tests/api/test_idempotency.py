"""Idempotency-Key over HTTP: how it may be written, what a replay is, and who shares a key with whom."""

import pytest
from prometheus_client import REGISTRY
from werkzeug.datastructures import Headers

from app.services.runs import idempotency
from tests.api.test_ingestion_routes import problem
from tests.support.accounts import Visitor, in_browser, person, with_token
from tests.support.boards import job
from tests.support.factories import open_transaction, row, sql, timeline
from tests.support.parallel import in_parallel
from tests.support.previews import company, finished

START = "/api/ingestion/start"
QUEUE = "job-ingestion:ingestion"
KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


def started(client, key: str = KEY, **options):
    return client.post(START, headers={"Idempotency-Key": key}, **options)


def test_a_start_that_is_asked_for_again_is_answered_as_before_and_changes_nothing(client, broker):
    first = started(client)
    assert (first.status_code, first.json, first.headers.get("Idempotency-Replayed")) == (201, {"run_id": 1}, None)
    before = row(1), timeline(1), broker.llen(QUEUE)
    for _ in range(3):
        again = started(client)
        assert (again.status_code, again.data, again.headers["Idempotency-Replayed"]) == (200, first.data, "true")
        assert again.headers["Location"] == first.headers["Location"] == "/api/ingestion/runs/1"
    assert (row(1), timeline(1), broker.llen(QUEUE)) == before
    assert broker.llen(QUEUE) == 1


def test_a_replay_is_answered_after_the_runs_end_and_while_another_is_active(client):
    started(client)
    client.post("/api/ingestion/abort/1")
    other = client.post(START).json["run_id"]
    again = started(client)
    assert (again.status_code, again.json) == (200, {"run_id": 1})
    assert problem(started(client, "another"), 409, "run_active") == {"run_id": other}


def test_bodies_that_say_the_same_are_the_same(client):
    assert started(client).status_code == 201
    for body in (b"", b"{}", b" { } ", b'{"preview_id": null}'):
        assert started(client, data=body, content_type="application/json").status_code == 200


def test_the_same_key_with_another_body_is_refused_and_names_the_run(client):
    started(client)
    assert problem(started(client, json={"preview_id": 5}), 422, "idempotency_key_reused") == {}
    assert "run 1 " in started(client, json={"preview_id": 5}).json["detail"]
    assert sql("SELECT count(*) FROM ingestion_runs") == [(1,)]


@pytest.mark.parametrize(
    "refused", [{"json": {"other": 1}}, {"json": {"preview_id": 9}}, {"data": b"{", "content_type": "application/json"}]
)
def test_a_refused_start_leaves_its_key_free(client, refused):
    assert started(client, **refused).status_code in (400, 404, 422)
    assert started(client).status_code == 201


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
def test_a_key_is_a_string_in_quotes_or_bare(client, written, key):
    assert started(client, written).status_code == 201
    assert row(1).idempotency_key == key
    assert started(client, written).status_code == 200


def test_a_key_in_quotes_and_the_same_one_bare_are_one(client):
    assert [started(client, key).status_code for key in ("abc", '"abc"', '"abc "')] == [201, 200, 409]


NO_KEYS = [
    "", '""', '"', '"a',
    'a"', '"a"b', "a b", "a,b", '"a", "b"', '"a","a"', '"a";q=1', "'a'", "a;b", "(a)", "?1", "a\\b",
    '"a\\b"', '"a\\"', '"a\tb"', '"\x7f"', "ä", '"ä"', '"\u0663"', "x" * 256, f'"{"x" * 256}"',
    f'"{chr(92) * 511}"',
]


@pytest.mark.parametrize("written", NO_KEYS, ids=lambda value: ascii(value)[:30])
def test_what_is_no_key_is_refused_and_starts_nothing(client, written):
    answer = started(client, written.encode().decode("latin1"))
    assert problem(answer, 400, "idempotency_key_invalid") == {}
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize("both", [("a", "b"), ("a", "a"), ('"a"', '"b"'), ("a", "")])
def test_a_key_that_comes_twice_is_none(client, both):
    answer = client.post(START, headers=Headers([("Idempotency-Key", each) for each in both]))
    problem(answer, 400, "idempotency_key_invalid")
    assert sql("SELECT 1 FROM ingestion_runs") == []


def test_elsewhere_a_key_means_nothing(client):
    given = {"Idempotency-Key": '"not a key'}
    assert client.get("/api/ingestion/current-run", headers=given).status_code == 200
    acme = {"source": "greenhouse", "board": "acme", "name": "Acme"}
    assert client.post("/api/ingestion/companies", json=acme, headers=given).status_code == 201
    assert client.post("/api/ingestion/dry-run", headers=given).status_code == 201
    run_id = started(client).json["run_id"]
    for _ in range(2):
        assert client.post(f"/api/ingestion/abort/{run_id}", headers=given).status_code == 200


def test_many_copies_at_once_are_one_run_and_one_message(app, broker):
    answers = in_parallel(app, *[lambda: started(app.test_client())] * 10)
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert {answer.json["run_id"] for answer in answers} == {1}
    assert broker.llen(QUEUE) == 1


def test_while_it_is_not_known_the_answer_is_503_and_after_that_the_truth(client, user_id):
    """The first try's statement hangs in PostgreSQL; who asks again is not told anything that may turn out false."""
    asked = idempotency.fingerprint(None).hex()
    first = "INSERT INTO ingestion_runs (user_id, idempotency_key, request_fingerprint)"
    with open_transaction(f"{first} VALUES ({user_id}, 'k', decode('{asked}', 'hex'))") as other:
        answer = started(client, "k")
        assert problem(answer, 503, "database_unavailable") == {}
        assert answer.headers["Retry-After"] == "2"
        other.commit()
    answer = started(client, "k")
    assert (answer.status_code, answer.json) == (200, {"run_id": 1})


def test_starts_are_counted_by_whether_they_are_new(client):
    def counts() -> list[float]:
        return [REGISTRY.get_sample_value("run_starts_total", {"outcome": each}) or 0 for each in ("new", "replayed")]

    new, replayed = counts()
    for _ in range(3):
        started(client)
    assert counts() == [new + 1, replayed + 2]


@pytest.fixture
def ann(accounts_app) -> int:
    return person(accounts_app, "ann@example.org")


def test_a_person_has_the_same_keys_in_the_browser_and_by_curl(accounts_app, ann):
    browser, curl = in_browser(accounts_app, "ann@example.org"), with_token(accounts_app, ann)
    answers = [visitor.call("POST", "ingestion/start", Idempotency_Key=KEY) for visitor in (browser, curl)]
    assert [(answer.status_code, answer.json) for answer in answers] == [(201, {"run_id": 1}), (200, {"run_id": 1})]


def test_another_persons_same_key_is_another_one(accounts_app, ann, boards):
    """Nor does it tell that there is one: with a body that would be refused it is a start like any other."""
    boards.greenhouse("acme", [job(1, "Engineer")])
    bob = person(accounts_app, "bob@example.org")
    company(bob, "acme")
    preview_id = finished(bob)
    hers = with_token(accounts_app, ann).call("POST", "ingestion/start", Idempotency_Key=KEY)
    his = with_token(accounts_app, bob).call(
        "POST", "ingestion/start", {"preview_id": preview_id}, Idempotency_Key=KEY
    )
    assert (hers.status_code, his.status_code) == (201, 201)
    assert hers.json != his.json


@pytest.mark.parametrize("key", [KEY, '"no key'])
def test_who_is_not_signed_in_learns_nothing_by_a_key(accounts_app, ann, key):
    with_token(accounts_app, ann).call("POST", "ingestion/start", Idempotency_Key=KEY)
    problem(Visitor(accounts_app).call("POST", "ingestion/start", Idempotency_Key=key), 401, "unauthenticated")
