"""The times of runs, which all come from the product's clock."""

from datetime import timedelta

import pytest

from app.services.runs import outbox, queries, start, transitions
from tests.support.factories import row, sql, timeline
from tests.support.starts import start_run

DAY = 24 * 3600


def clock():
    return sql("SELECT clock_now()")[0][0]


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_times_of_a_run_follow_the_clock(user_id, broker, shift_clock, seconds):
    shift_clock(seconds)
    times = [clock()]
    run_id, _ = start.start_run(user_id)
    published = row(run_id)
    times += [published.created_at, timeline(run_id)[0].at, published.dispatched_at, clock()]
    transitions.claim(run_id)
    claimed = row(run_id)
    times += [claimed.started_at, timeline(run_id)[1].at, clock()]
    assert published.created_at < claimed.worker_seen_at < claimed.next_dispatch_at < claimed.deadline_at
    transitions.advance(run_id)
    times += [timeline(run_id)[2].at, clock()]
    transitions.finish(run_id)
    times += [row(run_id).finished_at, timeline(run_id)[3].at, queries.get(run_id).server_time]
    assert times == sorted(times)
    assert published.next_dispatch_at > published.dispatched_at
    assert sql("SELECT abs(extract(epoch FROM clock_timestamp() - :at)) > 82800", at=published.created_at) == [(True,)]


@pytest.mark.parametrize(
    "end",
    [transitions.abort, lambda run_id: transitions.fail(run_id, "It failed.")],
    ids=["aborted", "error"],
)
def test_end_of_a_run_follows_the_clock(user_id, shift_clock, end):
    run_id = start_run(user_id)
    shift_clock(DAY)
    before = clock()
    end(run_id)
    assert before <= row(run_id).finished_at <= timeline(run_id)[-1].at <= clock()


def test_claim_due_follows_the_clock(user_id, shift_clock):
    run_id = start_run(user_id)
    shift_clock(-DAY)
    assert outbox.claim_due() == []
    shift_clock(DAY)
    assert outbox.claim_due() == [run_id]
    assert outbox.claim_due() == []
    assert outbox.oldest_unpublished_age() >= timedelta(seconds=DAY)
