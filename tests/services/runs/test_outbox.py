"""The outbox of runs: their messages, their backoff, and what is due."""

import base64
import json
from datetime import datetime, timedelta, timezone

import pytest

from app.services import publisher
from app.services.runs import outbox, start, transitions
from tests.support.factories import make_run, make_run_company, make_user, open_transaction, row, sql, timeline
from tests.support.listings import fail_board, list_board
from tests.support.outages import frozen, refusing
from tests.support.outbox import QUEUE
from tests.support.starts import start_run


def test_start_publishes_one_message_and_marks_the_run_published(app, broker, user_id):
    run_id, _ = start.start_run(user_id)
    found = row(run_id)
    assert broker.llen(QUEUE) == 1
    assert found.dispatched_at >= found.created_at
    assert found.dispatch_count == 1
    assert (found.next_dispatch_at - found.dispatched_at).total_seconds() == pytest.approx(15, abs=1)


def test_message_carries_the_run_id_alone(app, broker, user_id):
    start.start_run(user_id)
    [message] = broker.lrange(QUEUE, 0, -1)
    assert b'"task": "ingestion.run"' in message
    assert b'"argsrepr": "(1,)"' in message
    args, kwargs, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    assert (args, kwargs) == ([1], {})


def test_message_expires_half_a_minute_after_the_longest_backoff(app, broker, user_id):
    began = datetime.now(timezone.utc)
    start.start_run(user_id)
    [message] = broker.lrange(QUEUE, 0, -1)
    expires = datetime.fromisoformat(json.loads(message)["headers"]["expires"])
    assert began <= expires - timedelta(seconds=330) <= datetime.now(timezone.utc)


@pytest.mark.parametrize("outage", [frozen, refusing])
def test_start_without_a_broker_creates_the_run(client, broker, outage):
    outbox.publish(make_run("pending", make_user("warm-up@example.org")))
    with outage(broker):
        response = client.post("/api/ingestion/start")
        assert response.status_code == 201
        found = row(response.json["run_id"])
        assert (found.status, found.dispatched_at, found.dispatch_count) == ("pending", None, 0)
        assert client.get("/readyz").status_code == 200


def test_claim_due_hides_a_run_from_others_however_overdue_it_was(app, user_id):
    run_id = start_run(user_id)
    sql("UPDATE ingestion_runs SET next_dispatch_at = now() - interval '1 h'")
    assert outbox.claim_due() == [run_id]
    assert outbox.claim_due() == []


def test_claim_due_returns_one_batch_of_the_most_overdue(app):
    for number in range(3):
        make_run("pending", make_user(f"{number}@example.org"))
    sql("UPDATE ingestion_runs SET next_dispatch_at = now() - make_interval(secs => id)")
    sql("INSERT INTO users (email) SELECT 'u' || n FROM generate_series(1, 120) n")
    sql("INSERT INTO ingestion_runs (user_id) SELECT user_id FROM users WHERE email LIKE 'u%'")
    first = outbox.claim_due()
    assert len(first) == publisher.BATCH_SIZE
    assert {1, 2, 3} <= set(first)
    assert len(outbox.claim_due()) == 23


READ = {"state": "read", "outcome": "ok", "listing_id": 1}


def make_due(status: str, *companies: dict) -> int:
    """Insert a run whose message is due, with companies of these columns, and return its id."""
    run_id = make_run(status, companies_total=len(companies))
    for columns in companies:
        make_run_company(run_id, **columns)
    sql("UPDATE ingestion_runs SET next_dispatch_at = now() - interval '1 s'")
    return run_id


@pytest.mark.parametrize(
    "status, companies, is_due",
    [
        ("initializing", [{}], False),
        ("initializing", [], True),
        ("initializing", [READ, {}], True),
        ("initializing", [{**READ, "matched": 1}, {}], False),
        ("initializing", [{**READ, "matched": 1}], True),
        ("initializing", [{"board": "listed"}, {}], True),
        ("initializing", [{"board": "failed"}, {}], True),
        ("initializing", [{"board": "b", "source": "elsewhere"}, {}], True),
        ("initializing", [{"board": "b", "source": "lever"}, {}], True),
        ("ingesting", [{**READ, "matched": 1}], True),
        ("ingesting", [{}], False),
        ("ingesting", [], True),
        ("aborted", [], False),
        ("finished", [], False),
    ],
)
def test_claim_due_returns_runs_under_way_that_a_message_helps(app, status, companies, is_due):
    list_board("listed")
    fail_board("failed")
    sql("INSERT INTO source_switches (source) VALUES ('lever')")
    run_id = make_due(status, *companies)
    assert outbox.claim_due() == [run_id] * is_due
    assert outbox.claim_due() == []


def test_claim_due_leaves_what_is_locked_to_the_next_pass(app):
    run_id = make_due("ingesting")
    with open_transaction("SELECT * FROM ingestion_runs FOR NO KEY UPDATE"):
        assert outbox.claim_due() == []
    assert outbox.claim_due() == [run_id]


@pytest.mark.parametrize("status", ["initializing", "ingesting"])
def test_run_under_way_is_due_again_after_ten_seconds(app, broker, status):
    run_id = make_run(status, dispatch_count=7)
    assert outbox.publish(run_id)
    found = row(run_id)
    assert round((found.next_dispatch_at - found.dispatched_at).total_seconds()) == 10
    assert found.dispatch_count == 8


def test_publish_survives_a_locked_row(app, broker, user_id):
    run_id = make_run("pending")
    with open_transaction(f"SELECT * FROM ingestion_runs WHERE id = {run_id} FOR UPDATE"):
        assert outbox.publish(run_id) is False
    assert broker.llen(QUEUE) == 1
    assert row(run_id).dispatched_at is None


def test_publish_survives_an_overflow_of_the_count(app, broker, user_id):
    run_id = make_run("pending", dispatch_count=2**31 - 1)
    assert outbox.publish(run_id) is False
    assert broker.llen(QUEUE) == 1


def test_backoff_ends_at_five_minutes_however_many_publishes(app, broker, user_id):
    run_id = make_run("pending", dispatch_count=2000)
    assert outbox.publish(run_id) is True
    found = row(run_id)
    assert round((found.next_dispatch_at - found.dispatched_at).total_seconds()) == outbox.MAX_BACKOFF_SECONDS


def test_mark_published_writes_nothing_to_a_run_that_has_ended(app, user_id):
    run_id = start_run(user_id)
    transitions.abort(run_id)
    ended = row(run_id)
    assert outbox.publish(run_id)
    assert row(run_id) == ended
    assert len(timeline(run_id)) == 2
