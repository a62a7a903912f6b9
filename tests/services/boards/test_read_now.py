"""The reading of one board by the operator, in the process of the command."""

from threading import Event, Thread

import pytest

from app.services.boards import leases, runner, worker
from app.services.boards.errors import BoardBusy, BoardNotRead
from app.sources.board_token import rate_limit_key
from tests.support.board_rows import listing_row
from tests.support.boards import job
from tests.support.previews import begin_preview, company, units, work_on
from tests.support.readers import answer, board_of, change_settings, finish_reading, set_boards, states
from tests.support.wants import make_board


@pytest.fixture
def served(boards, broker):
    """A board that is served and that nobody has chosen."""
    boards.greenhouse("acme", [job(1, "Engineer")])
    return make_board()


def take_slots(app, boards) -> None:
    """Let the next free slot of the host come after a minute."""
    app.extensions["sources"].limiter.acquire_slot(rate_limit_key(boards.url), 60, 100)


def test_board_that_nobody_waits_for_is_read(served):
    listing = listing_row(worker.read_now(served, answer))
    assert (listing.state, listing.found, board_of().lease_id) == ("complete", 1, None)


def test_reading_is_not_given_up_though_nobody_waits(boards, broker, monkeypatch):
    change_settings(monkeypatch, lease_seconds=0.3)
    hold, renew, renewals = Event(), leases.renew, []
    boards.greenhouse("acme", [job(1, "Engineer")], hold=hold)

    def watch(*arguments):
        found = renew(*arguments)
        renewals.extend(found.values())
        if len(renewals) > 1:
            hold.set()
        return found

    monkeypatch.setattr(leases, "renew", watch)
    assert listing_row(worker.read_now(make_board(), answer)).state == "complete"
    assert not any(renewals)


def test_reading_answers_those_who_wait(boards, broker, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    worker.read_now(board_of().board_id, answer)
    work_on(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_failure_of_the_board_is_a_listing(boards, broker):
    boards.fault("acme", 410)
    listing = listing_row(worker.read_now(make_board(), answer))
    assert (listing.state, listing.code) == ("failed", "gone")


def test_board_that_is_being_read_is_busy(served):
    set_boards("lease_id = gen_random_uuid(), lease_until = clock_now() + interval '1 min'")
    with pytest.raises(BoardBusy):
        worker.read_now(served, answer)


def test_board_at_the_rate_limit_is_not_read(served, app, boards, monkeypatch):
    change_settings(monkeypatch, board_seconds=5)
    take_slots(app, boards)
    with pytest.raises(BoardNotRead):
        worker.read_now(served, answer)
    assert (board_of().attempt, board_of().lease_id, states()) == (0, None, ["reading"])


def test_board_with_used_up_attempts_does_not_get_stuck(served, app, boards, broker, user_id, monkeypatch):
    company(user_id, "acme")
    set_boards("attempt = 3, lease_id = gen_random_uuid(), lease_until = clock_now() - interval '1 s'")
    change_settings(monkeypatch, board_seconds=5)
    take_slots(app, boards)
    with pytest.raises(BoardNotRead):
        worker.read_now(served, answer)
    broker.flushall()
    set_boards("not_before = NULL")
    assert finish_reading(user_id).state == "listed"


def test_reading_without_a_thread_releases_the_board(served, monkeypatch):
    class NoThread(Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(runner, "Thread", NoThread)
    with pytest.raises(BoardNotRead):
        worker.read_now(served, answer)
    assert (board_of().attempt, board_of().lease_id) == (0, None)


def test_command_reads_a_board_and_reports_a_busy_one(served, app):
    invoke = app.test_cli_runner().invoke
    done = invoke(args=["boards", "read", "greenhouse", "acme"])
    assert (done.exit_code, "complete (ok)" in done.output) == (0, True)
    set_boards("lease_id = gen_random_uuid(), lease_until = clock_now() + interval '1 min'")
    done = invoke(args=["boards", "read", "greenhouse", "acme"])
    assert (done.exit_code != 0, "A worker reads this board now" in done.output) == (True, True)
