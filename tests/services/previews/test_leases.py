"""Who holds which company of a preview, when workers die, stop, are slow or must wait for their turn."""

import json
import os
import signal
import subprocess
import sys
from threading import Event

import pytest

from app.config.settings import PROJECT
from app.errors import DatabaseUnavailable
from app.services.previews import completion, leases, list_company, results, worker
from app.services.previews.results import ListingResult
from app.sources.errors import OutOfTime, RateLimited
from app.sources.types import Validators
from tests.support import previews as at
from tests.support.boards import job
from tests.support.factories import open_transaction, sql
from tests.support.parallel import in_parallel
from tests.support.previews import begun, company, leases_run_out, units
from tests.support.waiting import wait_until

STOPWAIT_SECONDS = 15
"""The worker's stop_timeout in app/launcher/processes.py."""

BEING_STORED = "SELECT * FROM preview_companies WHERE position = 1 FOR UPDATE"
"""What storing a listing holds, for as long as that takes."""

NOTHING = ListingResult([], True, 0, Validators())


def several(user_id: int, number: int) -> int:
    """A preview of that many companies."""
    for each in range(number):
        company(user_id, f"b{each:02}")
    return begun(user_id)


def test_a_lease_lasts_half_a_minute_and_is_renewed_by_who_has_it(app, user_id):
    preview_id = several(user_id, 2)
    mine, others = leases.claim_company(preview_id), leases.claim_company(preview_id)
    sql("UPDATE preview_companies SET lease_until = lease_until - interval '20 s'")
    leases.renew([mine])
    found = {unit.position: unit.lease_until for unit in units(preview_id)}
    assert (found[mine.position] - found[others.position]).total_seconds() >= 20
    assert sql("SELECT max(lease_until) < clock_timestamp() + interval '30 s' FROM preview_companies") == [(True,)]
    leases_run_out()
    again = leases.claim_company(preview_id)
    assert again.position == mine.position
    assert again.lease_id != mine.lease_id
    leases_run_out()
    leases.renew([mine])
    assert leases.claim_company(preview_id), "who lost a lease renews nothing"


def test_renewing_does_not_wait_for_what_is_being_stored(app, user_id):
    preview_id = several(user_id, 2)
    mine = [leases.claim_company(preview_id), leases.claim_company(preview_id)]

    sql("UPDATE preview_companies SET lease_until = now()")
    with open_transaction(BEING_STORED):
        leases.renew(mine)
        assert sql("SELECT position FROM preview_companies WHERE lease_until > now() ORDER BY position") == [(2,)]


def test_slow_boards_are_renewed_until_they_have_answered(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 10)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    hold = Event()
    path = boards.greenhouse("b00", [job(1, "Engineer")], hold=hold)
    preview_id = several(user_id, 1)

    def meanwhile():
        wait_until(lambda: boards.count(path), what="the board to be asked")
        [unit] = units(preview_id)

        def is_renewed_and_still_held():
            assert leases.claim_company(preview_id) is None
            return (units(preview_id)[0].lease_until - unit.lease_until).total_seconds() > 0.5

        wait_until(is_renewed_and_still_held, what="the lease to last longer")
        hold.set()

    in_parallel(app, lambda: worker.work(preview_id, lambda: None, seconds=0.5), meanwhile)
    assert [(unit.state, unit.attempt) for unit in units(preview_id)] == [("listed", 1)]


def test_no_more_boards_of_a_preview_are_in_work_than_the_fence_allows(app, user_id):
    preview_id = several(user_id, leases.MAX_CONCURRENT + 2)
    for left in range(leases.MAX_CONCURRENT, 0, -1):
        assert leases.count_claimable(preview_id) == min(left, leases.MAX_CONCURRENT)
        assert leases.claim_company(preview_id)
    assert leases.count_claimable(preview_id) == 0
    assert leases.claim_company(preview_id) is None
    leases_run_out()
    assert leases.claim_company(preview_id)


def test_beyond_the_deadline_nobody_is_woken_again(app, user_id):
    preview_id = several(user_id, 2)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")
    assert leases.count_claimable(preview_id) == 0
    told = []
    worker.work(preview_id, lambda: told.append(1), seconds=0)
    assert told == []
    sql("UPDATE previews SET deadline_at = now() + interval '1 h', finished_at = now()")
    assert leases.count_claimable(preview_id) == 0


def test_a_board_that_waits_for_our_own_pace_is_put_off_and_never_given_up(boards, user_id, monkeypatch):
    preview_id = several(user_id, 1)

    def busy(*_):
        raise RateLimited("It is asked as often as it may be.")

    monkeypatch.setattr(list_company, "list_board", busy)
    for _ in range(4):
        sql("UPDATE previews SET next_dispatch_at = now() + interval '1 h'")
        worker.work(preview_id, lambda: pytest.fail("nothing can be taken for a while"))
        [unit] = units(preview_id)
        assert (unit.state, unit.attempt, unit.lease_until) == ("waiting", 0, None)
        assert leases.claim_company(preview_id) is None
        assert at.preview(preview_id).next_dispatch_at == unit.not_before
        sql("UPDATE preview_companies SET not_before = now()")
    monkeypatch.undo()
    boards.greenhouse("b00", [job(1, "Engineer")])
    worker.work(preview_id, lambda: None)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_a_board_that_takes_too_long_is_tried_again_but_not_for_ever(app, user_id, monkeypatch):
    preview_id = several(user_id, 1)

    def slow(*_):
        raise OutOfTime("It took longer than it may.")

    monkeypatch.setattr(list_company, "list_board", slow)
    for attempt in (1, 2, 3):
        worker.work(preview_id, lambda: None)
        [unit] = units(preview_id)
        assert (unit.state, unit.attempt) == ("failed" if attempt == 3 else "waiting", attempt)
        sql("UPDATE preview_companies SET not_before = now()")
    assert (unit.outcome, unit.detail) == ("out_of_time", "It took longer than it may.")


def test_what_is_given_back_is_anybodys_at_once_and_no_attempt(app, user_id):
    preview_id = several(user_id, 1)
    first = leases.claim_company(preview_id)
    assert leases.release([first]) == 1
    assert leases.release([first]) == 0
    second = leases.claim_company(preview_id)
    assert (first.attempt, second.attempt) == (1, 1)
    # The same number, and yet another lease.
    assert results.store_listing(first, NOTHING) is False
    assert leases.snooze(first, counted=False) is False
    assert results.store_listing(second, NOTHING) is True


def test_a_stopping_worker_begins_nothing_and_hands_its_message_on(boards, app, user_id):
    preview_id = several(user_id, 3)
    told = []
    worker.work(preview_id, lambda: told.append(1), stopping=lambda: True)
    assert told == [1]
    assert {unit.state for unit in units(preview_id)} == {"waiting"}


def test_a_worker_told_to_stop_gives_back_the_boards_that_do_not_answer(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 0.5)
    boards.greenhouse("b00", [job(1, "Engineer")], hold=(hold := Event()))
    preview_id = several(user_id, 1)
    told = []
    worker.work(preview_id, lambda: told.append(1), stopping=lambda: bool(boards.count("/v1/boards/b00/jobs")))
    # Had the board been waited for, it would be listed now.
    assert (told, [(unit.state, unit.attempt) for unit in units(preview_id)]) == ([1], [("waiting", 0)])
    hold.set()


def test_a_hiccup_of_the_database_ends_no_thread(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "DATABASE_RETRY_SECONDS", 0.1)
    boards.greenhouse("b00", [job(1, "Engineer")])
    preview_id = several(user_id, 1)
    take, failed = leases.claim_company, []

    def hiccup(each):
        if len(failed) < 3:
            failed.append(each)
            raise DatabaseUnavailable("a hiccup")
        return take(each)

    monkeypatch.setattr(leases, "claim_company", hiccup)
    worker.work(preview_id, lambda: None)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_what_is_being_stored_keeps_nobody_from_closing_the_rest(app, user_id):
    preview_id = several(user_id, 2)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")

    with open_transaction(BEING_STORED):
        completion.close_overdue()
        assert [unit.state for unit in units(preview_id)] == ["waiting", "failed"]
    assert completion.close_overdue() == 1


class Worker:
    """A Celery worker of its own, to be stopped."""

    def __init__(self, settings, log):
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "celery_worker", "worker", "--without-mingle",
                 "--without-gossip"],
                cwd=PROJECT,
                env={**os.environ, "DATA_DIR": str(settings.data_dir), "WORKER_CONCURRENCY": "2"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: " ready." in log.read_text(), what="the worker")

    def stop(self) -> None:
        """Ask it to stop, and wait for as long as the launcher does before it kills."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOPWAIT_SECONDS)


def test_a_worker_stops_in_the_middle_of_a_preview_and_the_next_one_goes_on(
    settings, boards, client, broker, user_id, tmp_path
):
    paths = [boards.greenhouse(f"b{each:02}", [job(each, "Engineer")], hold=Event()) for each in range(12)]
    for each in range(12):
        company(user_id, f"b{each:02}")
    first = Worker(settings, tmp_path / "first.log")
    try:
        preview_id = client.post("/api/ingestion/dry-run").json["preview_id"]
        wait_until(lambda: any(map(boards.count, paths)), what="the first board to be asked")
        first.stop()
    finally:
        first.process.kill()
        first.process.wait()
    assert {(unit.state, unit.attempt) for unit in units(preview_id)} == {("waiting", 0)}
    assert [json.loads(each)["headers"]["task"] for each in broker.lrange("job-ingestion:ingestion", 0, -1)]
    boards.reset()
    for each in range(12):
        boards.greenhouse(f"b{each:02}", [job(each, "Engineer")])
    second = Worker(settings, tmp_path / "second.log")
    try:
        wait_until(lambda: at.preview(preview_id).finished_at, what="the preview's end")
        assert {(unit.state, unit.attempt) for unit in units(preview_id)} == {("listed", 1)}
        second.stop()
    finally:
        second.process.kill()
        second.process.wait()
