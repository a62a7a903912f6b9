"""Handing a run to the broker: after the commit, bounded, and never the request's problem."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from celery.signals import before_task_publish

from app.services import publisher
from app.services.runs import outbox, start, transitions
from app.services.runs.errors import RunActive
from app.worker import reconciler
from tests.support.bare import bare_celery
from tests.support.factories import make_run, make_user, open_transaction, row, sql, timeline
from tests.support.outages import frozen, refusing
from tests.support.parallel import in_parallel
from tests.support.starts import start_run

QUEUE = "job-ingestion:ingestion"


def due_now() -> None:
    sql("UPDATE ingestion_runs SET next_dispatch_at = now() - interval '1 s'")


def test_a_start_publishes_one_message_and_stamps_the_run(app, broker, user_id):
    run_id, _ = start.start_run(user_id)
    found = row(run_id)
    assert broker.llen(QUEUE) == 1
    assert found.dispatched_at >= found.created_at
    assert found.dispatch_count == 1
    assert (found.next_dispatch_at - found.dispatched_at).total_seconds() == pytest.approx(15, abs=1)


def test_nothing_is_published_before_the_run_is_committed(app, broker, user_id):
    """At the moment of publishing, another connection can read the run; a refused start publishes nothing."""
    seen = []

    def look(**_):
        seen.extend(found.id for found in sql("SELECT id FROM ingestion_runs"))

    before_task_publish.connect(look)
    try:
        run_id, _ = start.start_run(user_id)
        with pytest.raises(RunActive):
            start.start_run(user_id)
    finally:
        before_task_publish.disconnect(look)
    assert seen == [run_id]
    assert broker.llen(QUEUE) == 1


def test_an_application_publishes_to_its_own_broker_whichever_was_made_last(app, broker, settings, user_id):
    bare_celery(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    assert in_parallel(app, lambda: start.start_run(user_id)) == [(1, True)]
    assert broker.llen(QUEUE) == 1
    assert in_parallel(app, publisher.broker_answers) == [True]


def test_the_message_carries_the_id_alone(app, broker, user_id):
    start.start_run(user_id)
    [message] = broker.lrange(QUEUE, 0, -1)
    assert b'"task": "ingestion.run"' in message
    assert b'"argsrepr": "(1,)"' in message
    args, kwargs, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    assert (args, kwargs) == ([1], {})


def test_a_message_expires_half_a_minute_after_the_next_one_was_published_at_the_latest(app, broker, user_id):
    began = datetime.now(timezone.utc)
    start.start_run(user_id)
    [message] = broker.lrange(QUEUE, 0, -1)
    expires = datetime.fromisoformat(json.loads(message)["headers"]["expires"])
    assert began <= expires - timedelta(seconds=330) <= datetime.now(timezone.utc)


@pytest.mark.parametrize("away", [frozen, refusing])
def test_a_broker_that_is_away_costs_a_start_little_and_the_run_is_kept(client, broker, away):
    outbox.publish(make_run("pending", make_user("warm-up@example.org")))
    with away(broker):
        answer = client.post("/api/ingestion/start")
        assert answer.status_code == 201
        found = row(answer.json["run_id"])
        assert (found.status, found.dispatched_at, found.dispatch_count) == ("pending", None, 0)
        assert client.get("/readyz").status_code == 200


def test_after_a_failed_publish_the_next_ones_do_not_wait_for_the_broker(app, broker):
    ids = [make_run("pending", make_user(f"{n}@example.org")) for n in range(33)]
    with frozen(broker):
        assert outbox.publish(ids[0]) is False
        began = time.monotonic()
        assert in_parallel(app, *[lambda run_id=run_id: outbox.publish(run_id) for run_id in ids[1:]]) == [False] * 32
        assert time.monotonic() - began < 3, "32 publishes must not queue up behind the broker's timeouts"
    assert broker.llen(QUEUE) <= 1, "only the first was ever sent"


def test_a_publish_that_gets_no_turn_is_left_to_the_reconciler(app, broker):
    run_id = make_run("pending", make_user("waits@example.org"))
    try:
        for _ in range(publisher.MAX_PUBLISHES):
            assert publisher.slots.acquire(0)
        assert outbox.publish(run_id) is False
    finally:
        for _ in range(publisher.MAX_PUBLISHES):
            publisher.slots.release()
    assert outbox.publish(run_id) is True


def test_the_breaker_lets_one_probe_through_and_closes_when_it_succeeds():
    breaker = publisher.CircuitBreaker()
    assert breaker.allows() and breaker.allows()
    breaker.record(success=False)
    assert not breaker.allows()
    breaker._next_probe = time.monotonic() - 1
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.record(success=True)
    assert breaker.allows() and breaker.allows()


class Clock:
    """In the place of ``time``: each look at it is so many seconds after the one before."""

    def __init__(self, step: float = 0) -> None:
        self.now, self.step = 0.0, step

    def monotonic(self) -> float:
        self.now += self.step
        return self.now


def test_a_broker_that_was_away_is_left_alone_for_three_seconds(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(publisher, "time", clock)
    breaker = publisher.CircuitBreaker()
    breaker.record(success=False)
    clock.now = 2.9
    assert not breaker.allows()
    clock.now = 3.1
    assert breaker.allows()


def test_after_one_publish_that_succeeds_all_are_tried_again(app, broker):
    first, *others = [make_run("pending", make_user(f"{number}@example.org")) for number in range(4)]
    with refusing(broker):
        assert outbox.publish(first) is False
    publisher.breaker._next_probe = time.monotonic()
    assert [outbox.publish(run_id) for run_id in others] == [True] * 3


@pytest.mark.parametrize("away", [frozen, refusing])
def test_what_could_not_be_published_is_published_when_the_broker_is_back(app, broker, user_id, away):
    with away(broker):
        run_id, _ = start.start_run(user_id)
        due_now()
        assert reconciler.reconcile_once() is None
        assert row(run_id).dispatched_at is None
    publisher.breaker = publisher.CircuitBreaker()
    assert reconciler.reconcile_once() == 1
    assert row(run_id).dispatch_count == 1
    # What was sent to a frozen Redis is still in its socket when it thaws; a second copy does no harm.
    assert broker.llen(QUEUE) in ((1, 2) if away is frozen else (1,))


def test_a_publish_that_fails_within_a_pass_ends_it_and_the_runs_stay_due_soon(app, broker):
    ids = [make_run("pending", make_user(f"{n}@example.org")) for n in range(3)]
    due_now()
    taken = outbox.claim_due()
    assert taken == ids
    with frozen(broker):
        assert reconciler._publish_all(taken, outbox.publish) == [False]
    waits = sql("SELECT extract(epoch FROM next_dispatch_at - now()) AS seconds FROM ingestion_runs")
    assert all(wait.seconds < 6 for wait in waits)


def test_a_lost_message_is_published_again_with_growing_pauses(app, broker, user_id):
    run_id, _ = start.start_run(user_id)
    pauses = []
    for _ in range(7):
        broker.flushall()
        due_now()
        assert reconciler.reconcile_once() == 1
        assert broker.llen(QUEUE) == 1
        found = row(run_id)
        pauses.append(round((found.next_dispatch_at - found.dispatched_at).total_seconds()))
    assert pauses == [30, 60, 120, 240, 300, 300, 300]
    assert len(timeline(run_id)) == 1


def test_a_run_that_is_not_due_or_not_pending_is_left_alone(app, broker):
    make_run("initializing", make_user("a@example.org"))
    make_run("aborted", make_user("b@example.org"))
    due_now()
    fresh = start_run(make_user("c@example.org"))
    assert reconciler.reconcile_once() == 0
    assert row(fresh).dispatched_at is None
    assert broker.llen(QUEUE) == 0


def test_what_is_taken_is_nobody_elses_for_a_while_however_long_it_had_been_due(app, user_id):
    run_id = start_run(user_id)
    sql("UPDATE ingestion_runs SET next_dispatch_at = now() - interval '1 h'")
    assert outbox.claim_due() == [run_id]
    assert outbox.claim_due() == []


def test_two_reconcilers_at_once_publish_each_run_once(app, broker, monkeypatch):
    monkeypatch.setattr(publisher, "CLAIM_SECONDS", 60)
    for number in range(30):
        make_run("pending", make_user(f"{number}@example.org"))
    due_now()
    counts = in_parallel(app, *[reconciler.reconcile_once] * 4)
    assert sum(counts) == 30
    assert broker.llen(QUEUE) == 30
    assert {found.dispatch_count for found in sql("SELECT dispatch_count FROM ingestion_runs")} == {1}


def test_the_most_overdue_are_taken_first_and_no_more_than_a_batch(app):
    for number in range(3):
        make_run("pending", make_user(f"{number}@example.org"))
    sql("UPDATE ingestion_runs SET next_dispatch_at = now() - make_interval(secs => id)")
    sql("INSERT INTO users (email) SELECT 'u' || n FROM generate_series(1, 120) n")
    sql("INSERT INTO ingestion_runs (user_id) SELECT user_id FROM users WHERE email LIKE 'u%'")
    first = outbox.claim_due()
    assert len(first) == publisher.BATCH_SIZE
    assert {1, 2, 3} <= set(first)
    assert len(outbox.claim_due()) == 23


def test_a_stamp_that_cannot_be_written_does_not_fail_the_start(app, broker, user_id):
    run_id = make_run("pending")
    with open_transaction(f"SELECT * FROM ingestion_runs WHERE id = {run_id} FOR UPDATE"):
        assert outbox.publish(run_id) is False
    assert broker.llen(QUEUE) == 1
    assert row(run_id).dispatched_at is None


def test_a_count_that_has_no_room_does_not_fail_the_start(app, broker, user_id):
    run_id = make_run("pending", dispatch_count=2**31 - 1)
    assert outbox.publish(run_id) is False
    assert broker.llen(QUEUE) == 1


def test_the_back_off_ends_at_five_minutes_however_often_a_run_was_published(app, broker, user_id):
    run_id = make_run("pending", dispatch_count=2000)
    assert outbox.publish(run_id) is True
    found = row(run_id)
    assert round((found.next_dispatch_at - found.dispatched_at).total_seconds()) == outbox.MAX_BACKOFF_SECONDS


def test_an_aborted_run_keeps_its_status_when_its_message_is_stamped(app, user_id):
    run_id = start_run(user_id)
    transitions.abort(run_id)
    outbox.publish(run_id)
    assert row(run_id).status == "aborted"
    assert len(timeline(run_id)) == 2


def test_a_loop_that_meets_a_fault_goes_on(app, broker, user_id):
    run_id = make_run("pending")
    due_now()
    sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''inner fault''; END'")
    sql("CREATE TRIGGER broken BEFORE UPDATE ON ingestion_runs FOR EACH ROW EXECUTE FUNCTION broken()")
    stopped = Stopped(after=2, between=lambda: sql("DROP FUNCTION broken() CASCADE"))
    reconciler.reconcile_forever(stopped)
    assert row(run_id).dispatch_count == 1


class Stopped:
    """Ends the loop after some passes; what is to happen between two of them happens instead of the wait."""

    def __init__(self, after: int, between: Callable[[], object]) -> None:
        self.left = after
        self.between = between

    def is_set(self) -> bool:
        return self.left == 0

    def wait(self, _seconds: float) -> None:
        self.left -= 1
        if self.left:
            self.between()


def test_between_two_passes_the_reconciler_rests_for_what_is_left_of_its_interval(app, broker, monkeypatch):
    monkeypatch.setattr(reconciler, "time", Clock(step=0.25))
    rests = []
    stopped = Stopped(3, lambda: None)
    stopped.wait = lambda seconds: (rests.append(seconds), Stopped.wait(stopped, seconds))
    reconciler.reconcile_forever(stopped)
    assert len(rests) == 3
    assert all(0 < seconds < reconciler.RECONCILE_INTERVAL for seconds in rests)


def test_what_is_not_published_in_time_is_left_to_whoever_takes_it_next(monkeypatch):
    monkeypatch.setattr(reconciler, "time", Clock(step=1.0))
    published = reconciler._publish_all(list(range(10)), lambda run_id: True)
    assert len(published) == publisher.CLAIM_SECONDS - reconciler.MAX_PUBLISH_SECONDS


def test_a_pass_tells_that_reconciler_and_broker_are_well(app, broker):
    reconciler.reconcile_once()
    assert [beat.component for beat in sql("SELECT component FROM heartbeats ORDER BY 1")] == ["reconciler", "redis"]
    sql("TRUNCATE heartbeats")
    with refusing(broker):
        reconciler.reconcile_once()
    assert [beat.component for beat in sql("SELECT component FROM heartbeats")] == ["reconciler"]
