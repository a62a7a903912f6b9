"""Faults of this product, which are never the outcome of a board."""

from threading import Event, Thread

import pytest

from app.errors import DatabaseUnavailable
from app.services.companies import companies
from app.services.previews import completion, leases, worker
from app.sources.http.client import HttpClient
from tests.support import previews as at
from tests.support.boards import job
from tests.support.factories import sql
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, expire_leases, finish_preview, units
from tests.support.waiting import wait_until


def last_listings(user_id: int) -> list:
    """Return what the user's companies record of their boards."""
    return sql(
        "SELECT outcome, outcome_detail, postings, listed_at, etag, read_at, schema_version FROM companies"
        " WHERE user_id = :id ORDER BY board", id=user_id
    )


def allow_threads(monkeypatch, number: int) -> None:
    """Let the process start this number of threads of a preview, as if it had reached its limit then."""
    started: list[Thread] = []

    class LimitedThread(Thread):
        def start(self) -> None:
            if len(started) == number:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr(worker, "Thread", LimitedThread)


def work_until_failed(preview_id: int) -> None:
    """Work on a preview of one company until its last attempt."""
    for attempt in range(1, leases.MAX_ATTEMPTS + 1):
        worker.work(preview_id, lambda: None)
        [unit] = units(preview_id)
        assert (unit.attempt, unit.state) == (attempt, "waiting" if attempt < leases.MAX_ATTEMPTS else "failed")
        assert (unit.not_before is None) == (attempt == leases.MAX_ATTEMPTS)
        sql("UPDATE preview_companies SET not_before = now()")


@pytest.mark.parametrize("error", [ZeroDivisionError("inner secret"), MemoryError("inner secret")])
def test_unexpected_error_is_retried_and_no_outcome_of_the_board(boards, user_id, monkeypatch, caplog, error):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_preview(user_id)
    before = last_listings(user_id)

    def fail(*_):
        raise error

    preview_id = begin_preview(user_id)
    monkeypatch.setattr(HttpClient, "request", fail)
    work_until_failed(preview_id)
    [unit] = units(preview_id)
    assert (unit.outcome, unit.detail) == ("out_of_time", completion.EXHAUSTED)
    assert "inner secret" in caplog.text
    assert last_listings(user_id) == before
    assert at.preview(preview_id).finished_at is not None


def test_unexpected_error_affects_no_other_board(boards, user_id, monkeypatch):
    boards.greenhouse("acme", [job(1, "Engineer")])
    boards.greenhouse("beta", [job(2, "Engineer")])
    company(user_id, "acme")
    company(user_id, "beta")
    asked = HttpClient.request

    def ask(self, source, board, *rest):
        if str(board) == "acme":
            raise ZeroDivisionError
        return asked(self, source, board, *rest)

    monkeypatch.setattr(HttpClient, "request", ask)
    preview_id = begin_preview(user_id)
    worker.work(preview_id, lambda: None)
    assert [unit.state for unit in units(preview_id)] == ["waiting", "listed"]


def test_company_of_an_unknown_source_fails_alone(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "beta")
    sql("UPDATE companies SET source = 'forgotten' WHERE board = 'beta'")
    preview_id = begin_preview(user_id)
    work_until_failed(preview_id)
    [unit] = units(preview_id)
    assert unit.outcome == "out_of_time"
    assert "forgotten" in unit.detail
    assert companies.list_for_user(user_id)[0].outcome is None
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    worker.work(preview_id, lambda: None)
    assert [unit.state for unit in units(preview_id)] == ["listed", "waiting"]


def test_exhausted_attempts_leave_the_last_listing_of_the_board(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_preview(user_id)
    before = last_listings(user_id)
    preview_id = begin_preview(user_id)
    for _ in range(leases.MAX_ATTEMPTS):
        leases.claim_company(preview_id)
        expire_leases()
    assert completion.close_overdue() == 1
    [unit] = units(preview_id)
    assert (unit.state, unit.outcome, unit.detail) == ("failed", "out_of_time", completion.EXHAUSTED)
    assert last_listings(user_id) == before


def test_last_attempt_with_a_live_lease_is_not_failed(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    for _ in range(leases.MAX_ATTEMPTS):
        expire_leases()
        unit = leases.claim_company(preview_id)
    assert unit.attempt == leases.MAX_ATTEMPTS
    assert completion.close_overdue() == 0
    assert [each.state for each in units(preview_id)] == ["listing"]


def test_work_goes_on_with_the_threads_that_could_be_started(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    hold = Event()
    paths = [boards.greenhouse(board, [job(1, "Engineer")], hold=hold) for board in ("acme", "beta", "gamma")]
    for board in ("acme", "beta", "gamma"):
        company(user_id, board)
    preview_id = begin_preview(user_id)
    allow_threads(monkeypatch, 1)

    def observe():
        wait_until(lambda: boards.count(paths[0]), what="the request to the board")
        sql("UPDATE preview_companies SET lease_until = now() + interval '1 s' WHERE state = 'listing'")
        is_renewed = "SELECT 1 FROM preview_companies WHERE lease_until > now() + interval '20 s'"
        wait_until(lambda: sql(is_renewed), what="the renewal of the lease")
        hold.set()

    in_parallel(app, lambda: worker.work(preview_id, lambda: None), observe)
    assert [(unit.state, unit.attempt) for unit in units(preview_id)] == [("listed", 1)] * 3


def test_work_without_any_thread_republishes(app, user_id, monkeypatch):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    allow_threads(monkeypatch, 0)
    monkeypatch.setattr(worker, "NO_THREAD_SECONDS", 0)
    published = []
    worker.work(preview_id, lambda: published.append(1))
    assert published == [1]
    assert [(unit.state, unit.attempt) for unit in units(preview_id)] == [("waiting", 0)]


@pytest.mark.parametrize("error", [DatabaseUnavailable("a short failure"), ZeroDivisionError()])
def test_renewal_that_fails_is_repeated_soon(boards, app, user_id, monkeypatch, error):
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.1)
    hold = Event()
    boards.greenhouse("acme", [job(1, "Engineer")], hold=hold)
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    renew, calls = leases.renew, []

    def fail_once(renewed):
        calls.append(1)
        if len(calls) == 1:
            # Only a repetition that does not wait for the next interval comes before the board answers.
            monkeypatch.setattr(leases, "RENEW_SECONDS", 3600)
            raise error
        hold.set()
        return renew(renewed)

    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(leases, "renew", fail_once)
    worker.work(preview_id, lambda: None)
    assert len(calls) == 2
    assert [unit.state for unit in units(preview_id)] == ["listed"]
