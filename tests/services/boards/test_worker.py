"""The worker of boards: leases of slow boards, faults of this product, threads, and the end of the process."""

from threading import Event, Thread

import pytest
from flask import current_app

from app.config.settings import BOARD_THREADS, CONNECTIONS_PER_READER
from app.errors import DatabaseUnavailable
from app.services.boards import claims, leases, readable, runner, switches, worker
from app.services.runs import transitions
from app.sources.board_token import rate_limit_key
from tests.support import previews as at
from tests.support.boards import Reply, job
from tests.support.factories import make_user, sql
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, units, work_on
from tests.support.readers import (
    board_of,
    change_settings,
    hanging_preview,
    read_boards,
    read_preview,
    set_boards,
    states,
)
from tests.support.waiting import wait_until
from tests.support.wants import make_waiting_run

IS_RENEWED = "SELECT 1 FROM boards WHERE lease_until > clock_now() + interval '4 s'"


@pytest.fixture(autouse=True)
def _ended(boards):
    """Let the background work end before the next test."""
    yield
    boards.reset()
    wait_until(lambda: not worker.background.work, what="the end of the background work")


@pytest.fixture
def fast_leases(app, monkeypatch):
    """Leases of six seconds, renewed every two."""
    change_settings(monkeypatch, lease_seconds=6)


def allow_threads(monkeypatch, number: int) -> None:
    """Let the process start this number of threads of a worker, as if it had reached its limit then."""
    started: list[Thread] = []

    class LimitedThread(Thread):
        def start(self) -> None:
            if len(started) == number:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr(runner, "Thread", LimitedThread)


def serve_two_pages(boards, board: str, hold: Event) -> str:
    """Serve a Lever site whose first page of two waits for the event, and return its path."""
    path = boards.lever(board, [{"id": f"a{each}", "text": "Cook"} for each in range(100)], hold=hold)
    first = boards.replies[path][0]
    boards.answer(path, first, Reply(200, b"[]", {"Content-Type": "application/json"}))
    return path


def test_lease_of_a_slow_board_is_renewed_also_past_the_slice(boards, app, user_id, fast_leases):
    preview_id, hold = hanging_preview(boards, user_id, 1)

    def observe():
        wait_until(lambda: boards.requests, what="the request to the board")
        set_boards("lease_until = clock_now() + interval '2 s'")
        wait_until(lambda: sql(IS_RENEWED), what="the renewal")
        set_boards("lease_until = clock_now() + interval '2 s'")
        wait_until(lambda: sql(IS_RENEWED), what="the second renewal")
        hold.set()

    in_parallel(app, lambda: read_boards(seconds=0.5), observe)
    wait_until(lambda: [unit.state for unit in units(preview_id)] == ["read"], what="the answer")
    assert [request.path for request in boards.requests].count("/v1/boards/b1-0/jobs") == 1


@pytest.mark.parametrize("error", [DatabaseUnavailable("a short failure"), ZeroDivisionError()])
def test_renewal_that_fails_is_repeated_soon(boards, app, user_id, monkeypatch, error):
    change_settings(monkeypatch, lease_seconds=0.3)
    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.1)
    preview_id, hold = hanging_preview(boards, user_id, 1)
    renew, calls = leases.renew, []

    def fail_once(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise error
        hold.set()
        return renew(*arguments)

    monkeypatch.setattr(leases, "renew", fail_once)
    in_parallel(app, read_boards)
    assert len(calls) >= 2
    assert [unit.state for unit in units(preview_id)] == ["read"]


def test_lost_lease_means_no_further_page_and_no_write(boards, app, user_id, monkeypatch):
    change_settings(monkeypatch, lease_seconds=0.3)
    hold, losses, renew = Event(), [], leases.renew
    path = serve_two_pages(boards, "acme", hold)
    company(user_id, "acme", source="lever")
    begin_preview(user_id)

    def watch(*arguments):
        found = renew(*arguments)
        losses.extend([1] * (not found))
        return found

    def lose():
        wait_until(lambda: boards.count(path), what="the request to the board")
        # The claim of another worker.
        set_boards("lease_id = gen_random_uuid(), lease_until = clock_now() + interval '1 h', attempt = 2")
        # The second one follows the end of the first.
        wait_until(lambda: len(losses) > 1, what="two failed renewals")
        hold.set()

    monkeypatch.setattr(leases, "renew", watch)
    in_parallel(app, read_boards, lose)
    assert boards.count(path) == 1
    assert (states(), board_of().attempt, board_of().listing_id) == (["reading"], 2, None)
    assert sql("SELECT 1 FROM posting_revisions") == []


def remove_preview() -> None:
    sql("DELETE FROM previews")


def switch_off() -> None:
    switches.switch_off("lever")


def begin_run(user_id: int) -> None:
    make_waiting_run(board_of().board_id)


def abort_runs() -> None:
    for run in sql("SELECT id FROM ingestion_runs"):
        transitions.abort(run.id)


@pytest.mark.parametrize(
    ("begin", "change"), [(begin_preview, remove_preview), (begin_preview, switch_off), (begin_run, abort_runs)]
)
def test_board_that_nobody_waits_for_is_given_up_between_pages(boards, app, user_id, monkeypatch, begin, change):
    change_settings(monkeypatch, lease_seconds=0.3)
    monkeypatch.setattr(readable, "MAX_AGE_SECONDS", 0)
    hold, answers, renew = Event(), [], leases.renew
    path = serve_two_pages(boards, "acme", hold)
    company(user_id, "acme", source="lever")
    begin(user_id)

    def watch(*arguments):
        found = renew(*arguments)
        answers.extend(wanted for wanted in found.values() if not wanted)
        return found

    def stop_waiting():
        wait_until(lambda: boards.count(path), what="the request to the board")
        set_boards("lease_until = clock_now() + interval '1 h'")
        change()
        # The second one follows the end of the first.
        wait_until(lambda: len(answers) > 1, what="two renewals")
        hold.set()

    monkeypatch.setattr(leases, "renew", watch)
    published, _ = in_parallel(app, read_boards, stop_waiting)
    assert (boards.count(path), published) == (1, 0)
    assert (board_of().lease_id, board_of().attempt, states()) == (None, 0, ["reading"])


def test_rate_limited_board_is_put_off_and_never_fails(boards, broker, user_id, monkeypatch):
    path = boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    # The next free slot comes later than the reading may take.
    change_settings(monkeypatch, board_seconds=5)
    current_app.extensions["sources"].limiter.acquire_slot(rate_limit_key(boards.url), 60, 100)
    for _ in range(4):
        assert read_boards() == 0
        assert (board_of().attempt, board_of().lease_id, boards.count(path)) == (0, None, 0)
        assert board_of().not_before is not None
        set_boards("not_before = NULL")
    broker.flushall()
    read_boards()
    assert [unit.state for unit in units(preview_id)] == ["read"]


def test_work_goes_on_with_the_threads_that_could_be_started(boards, app, user_id, monkeypatch, fast_leases):
    preview_id, hold = hanging_preview(boards, user_id, 3)
    allow_threads(monkeypatch, 1)

    def observe():
        wait_until(lambda: boards.requests, what="the request to the board")
        set_boards("lease_until = clock_now() + interval '2 s' WHERE lease_id IS NOT NULL")
        wait_until(lambda: sql(IS_RENEWED), what="the renewal of the lease")
        hold.set()

    in_parallel(app, read_boards, observe)
    assert [unit.state for unit in units(preview_id)] == ["read"] * 3


def test_work_without_any_thread_republishes(app, user_id, monkeypatch):
    company(user_id, "acme")
    begin_preview(user_id)
    allow_threads(monkeypatch, 0)
    monkeypatch.setattr(worker, "NO_THREAD_SECONDS", 0)
    assert read_boards() == 1
    assert (board_of().attempt, board_of().lease_id) == (0, None)


def test_work_survives_short_failures_of_the_database(boards, user_id, monkeypatch):
    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.1)
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    claim, failures = claims.claim_wanted, []

    def fail_three_times(*arguments):
        if len(failures) < 3:
            failures.append(1)
            raise DatabaseUnavailable("a short failure")
        return claim(*arguments)

    monkeypatch.setattr(claims, "claim_wanted", fail_three_times)
    read_boards()
    assert [unit.state for unit in units(preview_id)] == ["read"]


def test_work_that_is_stopping_claims_nothing_and_republishes(boards, app, user_id):
    company(user_id, "acme")
    begin_preview(user_id)
    assert read_boards(stopping=lambda: True) == 1
    assert (boards.requests, board_of().attempt) == ([], 0)


def test_work_that_is_stopping_republishes_nothing_if_none_waits(app):
    assert read_boards(stopping=lambda: True) == 0


def test_work_releases_unanswered_boards_when_it_stops(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 0.5)
    hanging_preview(boards, user_id, 1)
    assert read_boards(stopping=lambda: bool(boards.requests)) == 1
    # If the worker had waited for the board, it would be listed.
    [board] = sql("SELECT * FROM boards")
    assert (board.lease_id, board.attempt, board.listing_id) == (None, 0, None)


def test_work_that_stops_stores_boards_that_answer_soon(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 60)
    preview_id, hold = hanging_preview(boards, user_id, 1)

    def stopping() -> bool:
        if boards.requests:
            hold.set()
        return bool(boards.requests)

    read_boards(stopping=stopping)
    assert [unit.state for unit in units(preview_id)] == ["read"]


def test_work_republishes_if_boards_are_left_after_its_slice(boards, user_id):
    company(user_id, "acme")
    begin_preview(user_id)
    assert read_boards(seconds=0) == 1
    assert boards.requests == []


def test_work_after_the_deadline_publishes_no_message(boards, user_id):
    company(user_id, "acme")
    begin_preview(user_id)
    sql("UPDATE previews SET deadline_at = clock_now() - interval '1 s'")
    assert read_boards(seconds=0) == 0


def test_two_workers_read_each_board_once(boards, app, user_id):
    paths = [boards.greenhouse(f"b{number}", [job(number, "Engineer")]) for number in range(12)]
    for number in range(12):
        company(user_id, f"b{number}")
    preview_id = begin_preview(user_id)
    in_parallel(app, *[read_boards] * 2)
    assert [boards.count(path) for path in paths] == [1] * 12
    work_on(preview_id)
    assert {unit.state for unit in units(preview_id)} == {"listed"}
    assert at.preview(preview_id).finished_at is not None


def test_company_of_an_unknown_source_keeps_no_other_waiting(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "beta")
    sql("UPDATE companies SET source = 'forgotten' WHERE board = 'beta'")
    sql("UPDATE boards SET source = 'forgotten' WHERE board = 'beta'")
    company(user_id, "acme")
    preview_id = read_preview(user_id)
    found = {unit.board: (unit.state, unit.outcome) for unit in units(preview_id)}
    assert found == {"acme": ("listed", "ok"), "beta": ("failed", "out_of_time")}


def test_turns_let_a_second_user_in_before_the_first_is_done(boards, user_id, monkeypatch):
    allow_threads(monkeypatch, 1)
    other = make_user("other@example.org")
    for number in range(4):
        boards.greenhouse(f"b{number}", [])
        company(user_id, f"b{number}")
    boards.greenhouse("quick", [])
    company(other, "quick")
    begin_preview(user_id)
    begin_preview(other)
    read_boards()
    paths = [request.path for request in boards.requests if request.path != "/robots.txt"]
    assert paths[:2] == ["/v1/boards/b0/jobs", "/v1/boards/quick/jobs"]


def test_connections_of_a_reader_suffice_for_its_threads(app):
    assert CONNECTIONS_PER_READER == BOARD_THREADS + 1
    settings = app.config["SETTINGS"]
    web = settings.web_workers * settings.web_database_connections
    assert settings.max_connections >= web + settings.reader_concurrency * CONNECTIONS_PER_READER
