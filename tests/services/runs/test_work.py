"""The work of a run: carried out in any number of messages, interrupted anywhere."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from app.errors import DatabaseUnavailable
from app.extensions import db
from app.services.runs import completion, transitions, work
from tests.support.factories import make_run, make_run_company, make_user, row, run_companies, sql, timeline
from tests.support.listings import fail_board, list_board
from tests.support.parallel import in_parallel
from tests.support.statements import watch_statements


class Messages:
    """The messages that the work publishes."""

    def __init__(self) -> None:
        self.woken: list[tuple[int, int]] = []
        self.republished: list[int] = []

    def carry(self, run_id: int, **options: Any) -> None:
        """Carry a run on."""
        work.carry(run_id, lambda *waits: self.woken.append(waits), self.republished.append, **options)


class Killed(BaseException):
    """The end of a worker."""


@pytest.fixture
def messages() -> Messages:
    return Messages()


def begin(*boards: str, user: int | None = None) -> int:
    """Insert a pending run with a company for each of these boards, and return its id."""
    run_id = make_run("pending", user, companies_total=len(boards))
    for board in boards:
        make_run_company(run_id, board)
    return run_id


def list_boards() -> tuple[str, ...]:
    """Store a listing of three boards: two postings, none, and a failure. Return their names."""
    list_board("acme", ["Engineer", "Cook"], unparsed=3)
    list_board("beta")
    fail_board("gamma")
    return "acme", "beta", "gamma"


def result(run_id: int) -> tuple[Any, ...]:
    """Return what a carried-out run leaves, without ids and times."""
    found = row(run_id)
    names = ("state", "outcome", "found", "matched", "new_jobs", "unchanged_jobs", "expired_jobs")
    return (
        *[found.status, found.error_message, found.total_jobs, found.jobs_ready, found.jobs_skipped],
        *[found.jobs_expired, found.jobs_failed],
        [tuple(getattr(company, name) for name in names) for company in run_companies(run_id)],
        [event.to_status for event in timeline(run_id)],
        [each.title for each in sql("SELECT title FROM jobs WHERE run_id = :id ORDER BY title", id=run_id)],
    )


MOVES = ["pending", "initializing", "ingesting", "finished"]
FINISHED = (
    *["finished", None, 2, 2, 0, 0, 3],
    [
        ("taken_in", "ok", 2, 2, 2, 0, 0),
        ("taken_in", "empty", 0, 0, 0, 0, 0),
        ("failed", "not_found", None, None, 0, None, 0),
    ],
    MOVES,
    ["Cook", "Engineer"],
)


def test_run_of_boards_with_listings_is_finished_at_once(app, messages):
    run_id = begin(*list_boards())
    messages.carry(run_id)
    assert result(run_id) == FINISHED
    assert (messages.woken, messages.republished) == ([], [])


def test_run_without_companies_is_finished_at_once(app, messages):
    run_id = begin()
    messages.carry(run_id)
    assert result(run_id) == ("finished", None, 0, 0, 0, 0, 0, [], MOVES, [])


@pytest.mark.parametrize(
    "failures, message",
    [
        ({"acme": "It is gone."}, "The board of Acme could not be read: It is gone."),
        (
            {"acme": "It is gone.", "beta": "It is gone."},
            "None of the 2 boards could be read: It is gone.",
        ),
        (
            {"acme": "It is gone.", "beta": "It is gone.", "gamma": "It refuses.", "zeta": "It is slow."},
            "None of the 4 boards could be read. Acme: It is gone. Gamma: It refuses.",
        ),
    ],
    ids=["one", "alike", "different"],
)
def test_run_of_which_all_companies_failed_is_in_error(app, messages, failures, message):
    for board, sentence in failures.items():
        fail_board(board, sentence=sentence)
    run_id = begin(*failures)
    messages.carry(run_id)
    found = row(run_id)
    assert (found.status, found.error_message) == ("error", message)
    assert {company.expired_jobs for company in run_companies(run_id)} == {0}
    assert [event.to_status for event in timeline(run_id)] == [*MOVES[:3], "error"]


@pytest.mark.parametrize(
    "boards, start",
    [(["acme"], "Acme could not be ingested: "), (["acme", "beta"], "None of the 2 companies could be ingested: ")],
    ids=["one", "two"],
)
def test_error_of_a_run_that_gave_up_blames_no_board(app, messages, boards, start):
    run_id = make_run("initializing", companies_total=len(boards))
    for board in boards:
        make_run_company(run_id, board, state="failed", outcome="out_of_time", detail=completion.GIVEN_UP)
    messages.carry(run_id)
    assert (row(run_id).status, row(run_id).error_message) == ("error", start + completion.GIVEN_UP)


def test_run_waits_for_boards_without_a_worker(app, messages):
    list_board("acme", ["Engineer"])
    run_id = begin("acme", "beta", "gamma")
    messages.carry(run_id)
    found = row(run_id)
    assert (found.status, found.total_jobs, found.attempts) == ("initializing", 1, 0)
    assert [company.state for company in run_companies(run_id)] == ["read", "waiting", "waiting"]
    list_board("beta")
    sql("UPDATE boards SET lease_id = gen_random_uuid(), lease_until = clock_now() + interval '30 s'")
    messages.carry(run_id)
    assert messages.woken == [(run_id, 2)]
    fail_board("gamma")
    messages.carry(run_id)
    assert (row(run_id).status, messages.woken, messages.republished) == ("finished", [(run_id, 2)], [])


def test_run_that_was_ingesting_at_the_upgrade_is_carried_out(app, messages):
    run_id = make_run("ingesting", companies_total=2)
    sql("UPDATE ingestion_runs SET deadline_at = clock_now() + interval '1 h'")
    make_run_company(run_id, "acme")
    make_run_company(run_id, "beta")
    list_board("acme", ["Engineer"])
    messages.carry(run_id)
    assert (row(run_id).status, messages.woken) == ("ingesting", [(run_id, 1)])
    list_board("beta", ["Cook"])
    messages.carry(run_id)
    assert (row(run_id).status, row(run_id).jobs_ready) == ("finished", 2)


def each_user() -> Any:
    """Yield 0, 1, 2, … and a new user for each."""
    for number in count():
        yield number, make_user(f"{number}@example.org")


def stop_at(number: int, stop: Callable[[], object] = lambda: None) -> Callable[[], bool]:
    """Return a function that returns true, and calls ``stop``, from the call of this number on."""
    calls = count()

    def stopping() -> bool:
        if next(calls) < number:
            return False
        stop()
        return True

    return stopping


def test_run_stopped_after_any_commit_is_carried_on_by_another(app, messages):
    boards = list_boards()
    for number, user in each_user():
        run_id = begin(*boards, user=user)
        messages.carry(run_id, stopping=stop_at(number))
        if run_id not in messages.republished:
            break
        assert row(run_id).status in ("initializing", "ingesting")
        messages.carry(run_id)
        assert result(run_id) == FINISHED, number
    assert number > 6
    assert len(messages.republished) == number


def test_run_whose_worker_is_killed_after_any_statement_is_carried_on(app, messages):
    boards = list_boards()
    for number, user in each_user():
        run_id = begin(*boards, user=user)
        statements = count()

        def kill(_, number=number, statements=statements):
            if next(statements) == number:
                raise Killed

        try:
            with watch_statements(db.engine, after=kill):
                messages.carry(run_id)
        except Killed:
            messages.carry(run_id)
            assert result(run_id) == FINISHED, number
        else:
            break
    assert number > 12


def test_run_aborted_after_any_commit_gets_no_further_write(app, messages):
    boards = list_boards()
    for number, user in each_user():
        run_id = begin(*boards, user=user)
        at_abort = []

        def abort(run_id=run_id, at_abort=at_abort):
            transitions.abort(run_id)
            at_abort.append((row(run_id), run_companies(run_id), result(run_id)))

        calls = stop_at(number, abort)
        messages.carry(run_id, stopping=lambda calls=calls: calls() and False)
        if not at_abort:
            break
        assert (row(run_id), run_companies(run_id), result(run_id)) == at_abort[0], number
        assert at_abort[0][0].status == "aborted"
    assert number > 6
    assert messages.republished == []


def test_message_that_comes_twice_changes_nothing(app, messages):
    boards = list_boards()
    for _, user in zip(range(5), each_user()):
        run_id = begin(*boards, user=user[1])
        in_parallel(app, *[lambda run_id=run_id: messages.carry(run_id)] * 4)
        messages.carry(run_id)
        assert result(run_id) == FINISHED
        before = row(run_id), run_companies(run_id)
        messages.carry(run_id)
        assert (row(run_id), run_companies(run_id)) == before
    assert messages.republished == []


def test_message_of_an_unknown_or_ended_run_does_nothing(app, messages):
    aborted = make_run("aborted")
    before = row(aborted)
    messages.carry(aborted)
    messages.carry(404)
    assert row(aborted) == before
    assert (messages.woken, messages.republished) == ([], [])


def test_slice_that_is_over_is_left_to_another_message(app, messages):
    run_id = begin(*list_boards())
    messages.carry(run_id, seconds=0)
    assert (row(run_id).status, messages.republished) == ("initializing", [run_id])
    messages.carry(run_id)
    assert result(run_id) == FINISHED


def test_run_goes_on_after_the_database_was_unavailable(app, messages):
    run_id = begin(*list_boards())
    sql("ALTER TABLE posting_revisions RENAME TO elsewhere")
    try:
        with pytest.raises(DatabaseUnavailable):
            messages.carry(run_id)
    finally:
        sql("ALTER TABLE elsewhere RENAME TO posting_revisions")
    assert row(run_id).status == "initializing"
    messages.carry(run_id)
    assert result(run_id) == FINISHED
