"""The reconciler: due messages, its loop, and its heartbeats."""

from collections.abc import Callable

import pytest

from app.errors import DatabaseUnavailable
from app.services import publisher
from app.services.runs import outbox, start
from app.worker import reconciler
from tests.support.factories import make_run, make_run_company, make_user, row, run_companies, sql, timeline
from tests.support.outages import frozen, refusing
from tests.support.outbox import QUEUE, FakeClock, make_runs_due
from tests.support.parallel import in_parallel
from tests.support.starts import start_run


@pytest.mark.parametrize("outage", [frozen, refusing])
def test_reconcile_publishes_what_failed_once_the_broker_is_back(app, broker, user_id, outage):
    with outage(broker):
        run_id, _ = start.start_run(user_id)
        make_runs_due()
        assert reconciler.reconcile_once() is None
        assert row(run_id).dispatched_at is None
    publisher.breaker = publisher.CircuitBreaker()
    assert reconciler.reconcile_once() == 1
    assert row(run_id).dispatch_count == 1
    # A message sent to a frozen Redis waits in its socket and arrives later. The second copy does no harm.
    assert broker.llen(QUEUE) in ((1, 2) if outage is frozen else (1,))


def test_publish_all_ends_at_a_failure_and_the_runs_are_due_soon(app, broker):
    ids = [make_run("pending", make_user(f"{n}@example.org")) for n in range(3)]
    make_runs_due()
    assert outbox.claim_due() == ids
    with frozen(broker):
        assert reconciler._publish_all(ids, outbox.publish) == [False]
    waits = sql("SELECT extract(epoch FROM next_dispatch_at - now()) AS seconds FROM ingestion_runs")
    assert all(wait.seconds < 6 for wait in waits)


def test_reconcile_republishes_lost_messages_with_growing_pauses(app, broker, user_id):
    run_id, _ = start.start_run(user_id)
    pauses = []
    for _ in range(7):
        broker.flushall()
        make_runs_due()
        assert reconciler.reconcile_once() == 1
        assert broker.llen(QUEUE) == 1
        found = row(run_id)
        pauses.append(round((found.next_dispatch_at - found.dispatched_at).total_seconds()))
    assert pauses == [30, 60, 120, 240, 300, 300, 300]
    assert len(timeline(run_id)) == 1


def test_reconcile_skips_runs_that_are_not_due_wait_or_have_ended(app, broker):
    make_run_company(make_run("initializing", make_user("a@example.org")))
    make_run("aborted", make_user("b@example.org"))
    make_runs_due()
    not_due = start_run(make_user("c@example.org"))
    assert reconciler.reconcile_once() == 0
    assert row(not_due).dispatched_at is None
    assert broker.llen(QUEUE) == 0


def test_reconcile_publishes_a_run_whose_worker_died(app, broker):
    run_id = make_run("ingesting")
    make_runs_due()
    assert reconciler.reconcile_once() == 1
    assert broker.llen(QUEUE) == 1
    assert reconciler.reconcile_once() == 0
    assert row(run_id).dispatch_count == 1


def test_reconcile_publishes_a_run_at_its_deadline(app, broker):
    run_id = make_run("initializing")
    make_run_company(run_id)
    sql("UPDATE ingestion_runs SET deadline_at = clock_now(), next_dispatch_at = clock_now() + interval '1 h'")
    assert reconciler.reconcile_once() == 1
    assert run_companies(run_id)[0].outcome == "out_of_time"


def test_reconcile_publishes_runs_though_the_deadlines_fail(app, broker, user_id):
    run_id = make_run("pending")
    make_runs_due()
    sql("ALTER TABLE run_companies RENAME COLUMN detail TO elsewhere")
    try:
        with pytest.raises(DatabaseUnavailable):
            reconciler.reconcile_once()
    finally:
        sql("ALTER TABLE run_companies RENAME COLUMN elsewhere TO detail")
    assert row(run_id).dispatch_count == 1


def test_reconcile_in_parallel_publishes_each_run_once(app, broker, monkeypatch):
    monkeypatch.setattr(publisher, "CLAIM_SECONDS", 60)
    for number in range(30):
        make_run("pending", make_user(f"{number}@example.org"))
    make_runs_due()
    counts = in_parallel(app, *[reconciler.reconcile_once] * 4)
    assert sum(counts) == 30
    assert broker.llen(QUEUE) == 30
    assert {found.dispatch_count for found in sql("SELECT dispatch_count FROM ingestion_runs")} == {1}


def test_publish_all_stops_before_its_claim_ends(monkeypatch):
    monkeypatch.setattr(reconciler, "time", FakeClock(step=1.0))
    published = reconciler._publish_all(list(range(10)), lambda run_id: True)
    assert len(published) == publisher.CLAIM_SECONDS - reconciler.MAX_PUBLISH_SECONDS


def test_reconcile_records_heartbeats_of_reconciler_and_broker(app, broker):
    reconciler.reconcile_once()
    assert [beat.component for beat in sql("SELECT component FROM heartbeats ORDER BY 1")] == ["reconciler", "redis"]
    sql("TRUNCATE heartbeats")
    with refusing(broker):
        reconciler.reconcile_once()
    assert [beat.component for beat in sql("SELECT component FROM heartbeats")] == ["reconciler"]


class StopAfter:
    """A stop event that is set after some passes. Instead of waiting between passes, it calls ``between``."""

    def __init__(self, passes: int, between: Callable[[], object]) -> None:
        self.left = passes
        self.between = between

    def is_set(self) -> bool:
        return self.left == 0

    def wait(self, _seconds: float) -> None:
        self.left -= 1
        if self.left:
            self.between()


def test_reconcile_forever_continues_after_a_fault(app, broker, user_id):
    run_id = make_run("pending")
    make_runs_due()
    sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''inner fault''; END'")
    sql("CREATE TRIGGER broken BEFORE UPDATE ON ingestion_runs FOR EACH ROW EXECUTE FUNCTION broken()")
    stopped = StopAfter(passes=2, between=lambda: sql("DROP FUNCTION broken() CASCADE"))
    reconciler.reconcile_forever(stopped)
    assert row(run_id).dispatch_count == 1


def test_reconcile_forever_waits_for_the_rest_of_its_interval(app, broker, monkeypatch):
    monkeypatch.setattr(reconciler, "time", FakeClock(step=0.25))
    waits = []
    stopped = StopAfter(3, lambda: None)
    stopped.wait = lambda seconds: (waits.append(seconds), StopAfter.wait(stopped, seconds))
    reconciler.reconcile_forever(stopped)
    assert len(waits) == 3
    assert all(0 < seconds < reconciler.RECONCILE_INTERVAL for seconds in waits)
