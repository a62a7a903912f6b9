"""Publishing: after the commit, within a time limit, and without failing the request."""

import time
from dataclasses import replace

import pytest
from celery.signals import before_task_publish

from app.services import publisher
from app.services.runs import outbox, start
from app.services.runs.errors import RunActive
from tests.support.bare import bare_celery
from tests.support.factories import make_run, make_user, sql
from tests.support.outages import frozen, refusing
from tests.support.outbox import QUEUE, FakeClock
from tests.support.parallel import in_parallel


def test_publish_comes_after_the_commit(app, broker, user_id):
    """While publishing, another connection reads the run. A refused start publishes nothing."""
    committed = []

    def read_runs(**_):
        committed.extend(run.id for run in sql("SELECT id FROM ingestion_runs"))

    before_task_publish.connect(read_runs)
    try:
        run_id, _ = start.start_run(user_id)
        with pytest.raises(RunActive):
            start.start_run(user_id)
    finally:
        before_task_publish.disconnect(read_runs)
    assert committed == [run_id]
    assert broker.llen(QUEUE) == 1


def test_publish_uses_the_broker_of_its_own_application(app, broker, settings, user_id):
    bare_celery(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    assert in_parallel(app, lambda: start.start_run(user_id)) == [(1, True)]
    assert broker.llen(QUEUE) == 1
    assert in_parallel(app, publisher.broker_answers) == [True]


def test_publish_after_a_failure_does_not_wait_for_the_broker(app, broker):
    ids = [make_run("pending", make_user(f"{n}@example.org")) for n in range(33)]
    with frozen(broker):
        assert outbox.publish(ids[0]) is False
        began = time.monotonic()
        assert in_parallel(app, *[lambda run_id=run_id: outbox.publish(run_id) for run_id in ids[1:]]) == [False] * 32
        assert time.monotonic() - began < 3, "32 publishes must not queue up behind the broker's timeouts"
    assert broker.llen(QUEUE) <= 1, "only the first message was sent"


def test_publish_without_a_free_slot_is_left_to_the_reconciler(app, broker):
    run_id = make_run("pending", make_user("waits@example.org"))
    try:
        for _ in range(publisher.MAX_PUBLISHES):
            assert publisher.slots.acquire(0)
        assert outbox.publish(run_id) is False
    finally:
        for _ in range(publisher.MAX_PUBLISHES):
            publisher.slots.release()
    assert outbox.publish(run_id) is True


def test_publish_after_a_successful_probe_works_again(app, broker):
    first, *others = [make_run("pending", make_user(f"{number}@example.org")) for number in range(4)]
    with refusing(broker):
        assert outbox.publish(first) is False
    publisher.breaker._next_probe = time.monotonic()
    assert [outbox.publish(run_id) for run_id in others] == [True] * 3


def test_breaker_allows_one_probe_and_closes_when_it_succeeds():
    breaker = publisher.CircuitBreaker()
    assert breaker.allows() and breaker.allows()
    breaker.record(success=False)
    assert not breaker.allows()
    breaker._next_probe = time.monotonic() - 1
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.record(success=True)
    assert breaker.allows() and breaker.allows()


def test_breaker_stays_open_for_three_seconds(monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(publisher, "time", clock)
    breaker = publisher.CircuitBreaker()
    breaker.record(success=False)
    clock.now = 2.9
    assert not breaker.allows()
    clock.now = 3.1
    assert breaker.allows()
