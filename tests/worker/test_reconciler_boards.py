"""The reconciler and boards: it wakes readers, and ends readings whose attempts are used up."""

import json

import pytest

from app.services.boards import claims, switches
from app.services.boards.read_board import EXHAUSTED
from app.services.boards.times import board_times
from app.services.previews import outbox
from app.worker import reconciler
from tests.support.factories import make_user, sql
from tests.support.outages import refusing
from tests.support.outbox import BOARDS_QUEUE, PREVIEWS_QUEUE
from tests.support.previews import begin_preview, company, units
from tests.support.readers import board_of, set_boards, states
from tests.support.wants import VERSIONS

DEAD = "lease_until = clock_now() - interval '1 s' WHERE lease_id IS NOT NULL"


@pytest.fixture
def waiting(app, broker, user_id) -> list[int]:
    """The previews of two users who wait for the same board."""
    users = [user_id, make_user("other@example.org")]
    for user in users:
        company(user, "acme")
    return [begin_preview(user) for user in users]


def use_up_attempts() -> None:
    """Let three workers claim the board. The first two die."""
    for attempt in (1, 2, 3):
        set_boards(DEAD)
        assert claims.claim_wanted(VERSIONS, board_times()).attempt == attempt


def woken(broker) -> int:
    """Reconcile once, and return the number of readers that it wakes."""
    broker.delete(BOARDS_QUEUE)
    reconciler.reconcile_once()
    return broker.llen(BOARDS_QUEUE)


def test_reconciler_wakes_one_reader_while_a_board_is_wanted(waiting, broker):
    assert woken(broker) == 1
    assert json.loads(broker.lindex(BOARDS_QUEUE, 0))["headers"]["task"] == "boards.read"
    assert woken(broker) == 1
    claims.claim_wanted(VERSIONS, board_times())
    assert woken(broker) == 0
    set_boards(DEAD)
    assert woken(broker) == 1
    set_boards("not_before = clock_now() + interval '10 s'")
    assert woken(broker) == 0
    set_boards("not_before = NULL")
    sql("UPDATE previews SET finished_at = clock_now()")
    assert woken(broker) == 0


def test_reconciler_wakes_no_reader_for_a_source_that_is_off(waiting, broker):
    switches.switch_off("greenhouse")
    assert woken(broker) == 0


def test_reconciler_ends_an_exhausted_reading_and_answers_all(waiting, broker):
    use_up_attempts()
    set_boards(DEAD)
    broker.flushall()
    reconciler.reconcile_once()
    for preview_id in waiting:
        [unit] = units(preview_id)
        assert (unit.state, unit.outcome, unit.detail) == ("failed", "out_of_time", EXHAUSTED.format(3))
    assert (states(), board_of().attempt, board_of().lease_id) == (["failed"], 0, None)
    published = [json.loads(message)["headers"]["argsrepr"] for message in broker.lrange(PREVIEWS_QUEUE, 0, -1)]
    assert sorted(published) == [f"({preview_id},)" for preview_id in waiting]


def test_reconciler_leaves_a_last_attempt_with_a_live_lease(waiting, broker):
    use_up_attempts()
    lease = board_of().lease_id
    reconciler.reconcile_once()
    assert (states(), board_of().attempt, board_of().lease_id) == (["reading"], 3, lease)
    assert [units(preview_id)[0].state for preview_id in waiting] == ["waiting"] * 2


def test_reconciler_ends_exhausted_readings_without_a_broker(waiting, broker):
    use_up_attempts()
    set_boards(DEAD)
    with refusing(broker):
        reconciler.reconcile_once()
    assert states() == ["failed"]
    assert [units(preview_id)[0].state for preview_id in waiting] == ["failed"] * 2


def test_reconciler_ends_an_exhausted_reading_of_a_source_off(waiting, broker):
    use_up_attempts()
    set_boards(DEAD)
    switches.switch_off("greenhouse")
    reconciler.reconcile_once()
    assert (states(), board_of().attempt) == (["failed"], 0)


def test_reconciler_does_the_rest_though_a_reader_cannot_be_woken(waiting, broker):
    sql("UPDATE previews SET next_dispatch_at = clock_now() - interval '1 s'")
    sql("ALTER TABLE source_switches RENAME TO elsewhere")
    try:
        with pytest.raises(Exception, match="source_switches|unavailable"):
            reconciler.reconcile_once()
    finally:
        sql("ALTER TABLE elsewhere RENAME TO source_switches")
    assert broker.llen(PREVIEWS_QUEUE) == 2
    assert outbox.claim_due() == []
