"""The leases of a preview's companies, when workers die, stop, are slow or rate-limited."""

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
from tests.support.outbox import PREVIEWS_QUEUE
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, expire_leases, units
from tests.support.waiting import wait_until

STOPWAIT_SECONDS = 15
"""The worker's stop_timeout in app/launcher/processes.py."""

STORING = "SELECT * FROM preview_companies WHERE position = 1 FOR UPDATE"
"""The lock that storing a listing holds."""

EMPTY_LISTING = ListingResult(True, 0, Validators())


def preview_of(user_id: int, companies: int) -> int:
    """Start a preview of that many companies."""
    for number in range(companies):
        company(user_id, f"b{number:02}")
    return begin_preview(user_id)


def test_renew_extends_only_the_leases_that_the_caller_holds(app, user_id):
    preview_id = preview_of(user_id, 2)
    mine, others = leases.claim_company(preview_id), leases.claim_company(preview_id)
    sql("UPDATE preview_companies SET lease_until = lease_until - interval '20 s'")
    leases.renew([mine])
    found = {unit.position: unit.lease_until for unit in units(preview_id)}
    assert (found[mine.position] - found[others.position]).total_seconds() >= 20
    assert sql("SELECT max(lease_until) < clock_timestamp() + interval '30 s' FROM preview_companies") == [(True,)]
    expire_leases()
    again = leases.claim_company(preview_id)
    assert again.position == mine.position
    assert again.lease_id != mine.lease_id
    expire_leases()
    leases.renew([mine])
    assert leases.claim_company(preview_id), "an expired lease cannot be renewed after another claim"


def test_renew_does_not_wait_for_a_company_that_is_being_stored(app, user_id):
    preview_id = preview_of(user_id, 2)
    mine = [leases.claim_company(preview_id), leases.claim_company(preview_id)]
    sql("UPDATE preview_companies SET lease_until = now()")
    with open_transaction(STORING):
        leases.renew(mine)
        assert sql("SELECT position FROM preview_companies WHERE lease_until > now() ORDER BY position") == [(2,)]


def test_worker_renews_the_lease_of_a_slow_board(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 10)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    hold = Event()
    path = boards.greenhouse("b00", [job(1, "Engineer")], hold=hold)
    preview_id = preview_of(user_id, 1)

    def observe():
        wait_until(lambda: boards.count(path), what="the request to the board")
        [unit] = units(preview_id)

        def is_renewed_and_still_leased():
            assert leases.claim_company(preview_id) is None
            return (units(preview_id)[0].lease_until - unit.lease_until).total_seconds() > 0.5

        wait_until(is_renewed_and_still_leased, what="the lease to last longer")
        hold.set()

    in_parallel(app, lambda: worker.work(preview_id, lambda: None, seconds=0.5), observe)
    wait_until(lambda: at.preview(preview_id).finished_at, what="the preview's end")
    assert [(unit.state, unit.attempt) for unit in units(preview_id)] == [("listed", 1)]


def test_claim_company_stops_at_max_concurrent(app, user_id):
    preview_id = preview_of(user_id, leases.MAX_CONCURRENT + 2)
    for left in range(leases.MAX_CONCURRENT, 0, -1):
        assert leases.count_claimable(preview_id) == min(left, leases.MAX_CONCURRENT)
        assert leases.claim_company(preview_id)
    assert leases.count_claimable(preview_id) == 0
    assert leases.claim_company(preview_id) is None
    expire_leases()
    assert leases.claim_company(preview_id)


def test_work_after_the_deadline_publishes_no_message(app, user_id):
    preview_id = preview_of(user_id, 2)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")
    assert leases.count_claimable(preview_id) == 0
    published = []
    worker.work(preview_id, lambda: published.append(1), seconds=0)
    assert published == []
    sql("UPDATE previews SET deadline_at = now() + interval '1 h', finished_at = now()")
    assert leases.count_claimable(preview_id) == 0


def test_rate_limited_company_is_snoozed_and_never_fails(boards, user_id, monkeypatch):
    preview_id = preview_of(user_id, 1)

    def rate_limited(*_, **__):
        raise RateLimited("The rate limit is reached.")

    monkeypatch.setattr(list_company, "list_board", rate_limited)
    for _ in range(4):
        sql("UPDATE previews SET next_dispatch_at = now() + interval '1 h'")
        worker.work(preview_id, lambda: pytest.fail("no company is claimable yet"))
        [unit] = units(preview_id)
        assert (unit.state, unit.attempt, unit.lease_until) == ("waiting", 0, None)
        assert leases.claim_company(preview_id) is None
        assert at.preview(preview_id).next_dispatch_at == unit.not_before
        sql("UPDATE preview_companies SET not_before = now()")
    monkeypatch.undo()
    boards.greenhouse("b00", [job(1, "Engineer")])
    worker.work(preview_id, lambda: None)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_company_out_of_time_is_retried_until_max_attempts(app, user_id, monkeypatch):
    preview_id = preview_of(user_id, 1)

    def slow(*_, **__):
        raise OutOfTime("It took longer than it may.")

    monkeypatch.setattr(list_company, "list_board", slow)
    for attempt in (1, 2, 3):
        worker.work(preview_id, lambda: None)
        [unit] = units(preview_id)
        assert (unit.state, unit.attempt) == ("failed" if attempt == 3 else "waiting", attempt)
        sql("UPDATE preview_companies SET not_before = now()")
    assert (unit.outcome, unit.detail) == ("out_of_time", "It took longer than it may.")


def test_release_makes_a_company_claimable_and_counts_no_attempt(app, user_id):
    preview_id = preview_of(user_id, 1)
    first = leases.claim_company(preview_id)
    assert leases.release([first]) == 1
    assert leases.release([first]) == 0
    second = leases.claim_company(preview_id)
    assert (first.attempt, second.attempt) == (1, 1)
    # The same attempt, but another lease.
    assert results.store_listing(first, EMPTY_LISTING) is False
    assert leases.snooze(first, counted=False) is False
    assert results.store_listing(second, EMPTY_LISTING) is True


def test_work_that_is_stopping_claims_nothing_and_republishes(boards, app, user_id):
    preview_id = preview_of(user_id, 3)
    published = []
    worker.work(preview_id, lambda: published.append(1), stopping=lambda: True)
    assert published == [1]
    assert {unit.state for unit in units(preview_id)} == {"waiting"}


def test_work_releases_unanswered_companies_when_it_stops(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 0.5)
    boards.greenhouse("b00", [job(1, "Engineer")], hold=(hold := Event()))
    preview_id = preview_of(user_id, 1)
    published = []
    worker.work(preview_id, lambda: published.append(1), stopping=lambda: bool(boards.count("/v1/boards/b00/jobs")))
    # If the worker had waited for the board, the company would be listed.
    assert (published, [(unit.state, unit.attempt) for unit in units(preview_id)]) == ([1], [("waiting", 0)])
    hold.set()


def test_work_survives_short_failures_of_the_database(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.1)
    boards.greenhouse("b00", [job(1, "Engineer")])
    preview_id = preview_of(user_id, 1)
    claim_company, failures = leases.claim_company, []

    def fail_three_times(preview_id):
        if len(failures) < 3:
            failures.append(preview_id)
            raise DatabaseUnavailable("a short failure")
        return claim_company(preview_id)

    monkeypatch.setattr(leases, "claim_company", fail_three_times)
    worker.work(preview_id, lambda: None)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_close_overdue_skips_a_company_that_is_being_stored(app, user_id):
    preview_id = preview_of(user_id, 2)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")
    with open_transaction(STORING):
        completion.close_overdue()
        assert [unit.state for unit in units(preview_id)] == ["waiting", "failed"]
    assert completion.close_overdue() == 1


class Worker:
    """A Celery worker in a process of its own."""

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
        """Send SIGTERM, and wait as long as the launcher does before it sends SIGKILL."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOPWAIT_SECONDS)


def test_worker_that_stops_during_a_preview_leaves_it_to_the_next(
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
    assert [json.loads(each)["headers"]["task"] for each in broker.lrange(PREVIEWS_QUEUE, 0, -1)]
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
