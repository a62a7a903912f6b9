"""A company is taken in by parts, and anything may happen between two of them."""

import pytest

from app.extensions import db
from app.services.runs import heartbeat, queries, taking_in, transitions
from app.services.runs.errors import RunMoved
from tests.support.board_rows import make_board, make_posting, posting_rows
from tests.support.factories import row, sql
from tests.support.parallel import during_open_transaction, in_parallel
from tests.support.statements import watch_statements
from tests.support.stored_listings import close, store
from tests.support.taking_in import begin_run, counts, job_events, jobs, make_unit, take_in, traces, unit

CLOSE_ALL = (
    "UPDATE postings SET missing_since = clock_now(), missing_listing_id = 1, closed_at = clock_now(),"
    " closed_reason = 'board_gone', closed_listing_id = 9"
)


@pytest.fixture
def small_parts(monkeypatch):
    """Let a part write two rows."""
    monkeypatch.setattr(taking_in, "MAX_PART", 2)


def once(act):
    """Return a heartbeat that acts at its first call."""
    acts = [act]
    return lambda: acts and acts.pop()()


def postings(*ids: int, **fields):
    return [make_posting(each, **fields) for each in ids]


def test_parts_add_up(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3, 4, 5))
    run_id, beats = begin_run(user_id, board), []
    assert taking_in.take_in(run_id, heartbeat=lambda: beats.append(unit(run_id).new_jobs))
    assert (beats, unit(run_id).parts, counts(run_id)) == ([2, 4, 5], 3, (5, 0, 0, 0, 0))
    assert len(job_events(run_id)) == 5


def test_parts_of_every_kind_add_up(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3, 4, 5, 6))
    take_in(user_id, board)
    close(board)
    take_in(user_id, board)
    store(board, *postings(1, 2, 3))
    take_in(user_id, board)
    store(board, *postings(3), ago=4000)
    store(board, *postings(3, title="Cook"), *postings(4, 5, 6, 7, 8, 9))
    assert counts(take_in(user_id, board)) == (3, 1, 3, 0, 2)


def test_parts_of_a_failed_company_add_up(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3, 4, 5))
    take_in(user_id, board)
    close(board)
    run_id = take_in(user_id, board, state="failed", matched=None)
    assert (unit(run_id).expired_jobs, unit(run_id).parts, unit(run_id).state) == (5, 3, "failed")
    assert len(job_events(run_id)) == 5


def test_work_goes_on_where_another_message_ended(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3, 4, 5))
    run_id = begin_run(user_id, board)
    for parts in (1, 2):
        assert not taking_in.take_in(run_id, lambda: unit(run_id).parts == parts)
        assert (unit(run_id).state, len(jobs(user_id))) == ("read", 2 * parts)
    assert taking_in.take_in(run_id)
    assert (counts(run_id), unit(run_id).parts) == ((5, 0, 0, 0, 0), 3)
    assert len(job_events(run_id)) == 5


def test_nothing_is_done_once_time_is_over(user_id):
    board = make_board()
    store(board, *postings(1))
    run_id = begin_run(user_id, board)
    assert not taking_in.take_in(run_id, lambda: True)
    assert (unit(run_id).state, jobs(user_id)) == ("read", {})


def test_abort_between_parts_is_the_end(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3))
    run_id = begin_run(user_id, board)
    assert taking_in.take_in(run_id, heartbeat=once(lambda: transitions.abort(run_id)))
    assert (unit(run_id).parts, unit(run_id).state, len(jobs(user_id))) == (1, "read", 2)


def test_abort_that_a_part_waits_for_leaves_nothing(app, user_id):
    board = make_board()
    store(board, *postings(1, 2, 3))
    run_id = begin_run(user_id, board)
    abort = f"UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_now() WHERE id = {run_id}"
    assert during_open_transaction(app, abort, lambda: taking_in.take_in(run_id))
    assert (unit(run_id).parts, jobs(user_id), job_events(run_id)) == (0, {}, [])


def test_part_shares_the_run_with_no_other_lock(app, user_id):
    board = make_board()
    store(board, *postings(1))
    run_id, seen = begin_run(user_id, board), []
    during_open_transaction(
        app, f"SELECT FROM ingestion_runs WHERE id = {run_id} FOR SHARE", lambda: taking_in.take_in(run_id),
        lambda: seen.append(unit(run_id).parts),
    )
    assert (seen, unit(run_id).parts) == ([0], 1)


def test_run_that_is_not_ingesting_takes_nothing_in(user_id):
    board = make_board()
    store(board, *postings(1))
    run_id = begin_run(user_id, board)
    sql("UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_now() WHERE id = :id", id=run_id)
    assert taking_in.take_in(run_id)
    assert jobs(user_id) == {}


@pytest.mark.parametrize("parts", [1, 2])
def test_another_listing_between_parts_is_decided_on(user_id, small_parts, parts):
    """Of the first two jobs one has left the board, and one has changed again: each counts once, or not at all."""
    board, beats = make_board(), []
    store(board, *postings(1, 2, 3, 4, 5))
    run_id = begin_run(user_id, board)

    def beat():
        beats.append(True)
        if len(beats) == parts:
            store(board, *postings(1, title="Cook"), *postings(4, 5, 6))

    assert taking_in.take_in(run_id, heartbeat=beat)
    assert unit(run_id).listing_id == sql("SELECT max(listing_id) AS id FROM listings")[0].id
    assert (unit(run_id).matched, row(run_id).total_jobs, counts(run_id)) == (4, 4, (4, 0, 0, 0, 0))
    assert jobs(user_id)["1"].title == "Cook"
    expected = {"1": ["new", "changed"], "2": ["new"], "4": ["new"], "5": ["new"], "6": ["new"]}
    if parts == 2:
        expected["3"] = ["new"]
    assert {each: [kind for found, kind in job_events(run_id) if found == each] for each in expected} == expected


def test_revision_grows_though_the_board_shrinks_between_parts(user_id, small_parts):
    board, revisions = make_board(), []
    store(board, *postings(*range(1, 8)))
    run_id = begin_run(user_id, board)

    def beat():
        run = queries.get(run_id)
        revisions.append(run.revision)
        assert run.jobs_done <= run.total_jobs
        if len(revisions) == 3:
            store(board, *postings(*range(7, 10)))

    assert taking_in.take_in(run_id, heartbeat=beat)
    assert revisions == sorted(revisions)
    assert counts(run_id) == (3, 0, 0, 0, 0)


def test_changed_job_that_changes_again_counts_once(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3, 4))
    take_in(user_id, board)
    store(board, *postings(1, 2, 3, 4, title="Cook"))
    run_id = begin_run(user_id, board)
    again = once(lambda: store(board, *postings(1, 2, 3, 4, title="Baker")))
    assert taking_in.take_in(run_id, heartbeat=again)
    assert counts(run_id) == (0, 4, 0, 0, 0)
    assert len(job_events(run_id)) == 6


def test_changed_job_that_is_then_read_by_a_new_parser_counts(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3))
    take_in(user_id, board)
    store(board, *postings(1, 2, 3, title="Cook"))
    run_id = begin_run(user_id, board)
    again = once(lambda: store(board, *postings(1, 2, 3, title="Cook", description="As another reads it."), schema=2))
    assert taking_in.take_in(run_id, heartbeat=again)
    assert (counts(run_id), len(job_events(run_id))) == ((0, 3, 0, 0, 0), 3)


def test_reopened_job_that_changes_counts_once_as_reopened(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3))
    take_in(user_id, board)
    close(board)
    take_in(user_id, board)
    store(board, *postings(1, 2, 3))
    run_id = begin_run(user_id, board)
    assert taking_in.take_in(run_id, heartbeat=once(lambda: store(board, *postings(1, 2, 3, title="Cook"))))
    assert counts(run_id) == (0, 0, 3, 0, 0)


def test_listing_stored_just_before_a_part_refuses_it(user_id):
    board, stored = make_board(), []
    store(board, *postings(1, 2))
    run_id = begin_run(user_id, board)

    def before(statement):
        if "INSERT INTO jobs" in statement and not stored:
            stored.append(True)
            store(board, *postings(2, 3, 4))

    with watch_statements(db.engine, before):
        assert taking_in.take_in(run_id)
    assert (sorted(jobs(user_id)), counts(run_id), unit(run_id).parts) == (["2", "3", "4"], (3, 0, 0, 0, 0), 1)


def test_closing_declined_just_before_a_part_expires_nothing(user_id):
    board = make_board()
    store(board, *postings(1))
    take_in(user_id, board)
    close(board)
    run_id = begin_run(user_id, board)

    def before(statement):
        if "INSERT INTO jobs" in statement:
            sql("UPDATE jobs SET kept_listing_id = (SELECT closed_listing_id FROM postings)")

    with watch_statements(db.engine, before):
        assert taking_in.take_in(run_id)
    assert (counts(run_id), jobs(user_id)["1"].status, job_events(run_id)) == ((0, 0, 0, 0, 0), "ready", [])


def test_board_that_is_gone_offers_nothing_more(user_id):
    """Its closing has no content, so the last listing with content is the same as before."""
    board = make_board()
    store(board, *postings(1, 2))
    run_id = begin_run(user_id, board)
    sql(CLOSE_ALL)
    assert taking_in.take_in(run_id)
    assert (counts(run_id), row(run_id).total_jobs, jobs(user_id)) == ((0, 0, 0, 0, 0), 0, {})


def test_other_decisions_just_before_a_part_refuse_it(user_id):
    """Another worker saw that the board is gone; the last listing with content is the same."""
    board, decided = make_board(), []
    store(board, *postings(1, 2))
    run_id = begin_run(user_id, board)

    def before(statement):
        if "INSERT INTO jobs" in statement and not decided:
            decided.append(True)
            sql(CLOSE_ALL)
            sql("UPDATE run_companies SET matched = 0")
            sql("UPDATE ingestion_runs SET total_jobs = 0")

    with watch_statements(db.engine, before):
        assert taking_in.take_in(run_id)
    assert (counts(run_id), unit(run_id).matched, jobs(user_id)) == ((0, 0, 0, 0, 0), 0, {})


def test_two_workers_take_each_job_in_once(app, user_id, monkeypatch):
    monkeypatch.setattr(taking_in, "MAX_PART", 3)
    board, other = make_board(board="acme"), make_board(board="beta")
    for each in (board, other):
        store(each, *postings(*range(20)))
    take_in(user_id, board)
    store(board, *postings(*range(10), title="Cook"), *postings(*range(20, 50)))
    run_id = begin_run(user_id, board, other)
    assert in_parallel(app, *[lambda: taking_in.take_in(run_id)] * 2) == [True, True]
    assert (counts(run_id), counts(run_id, 2)) == ((30, 10, 0, 0, 0), (20, 0, 0, 0, 0))
    assert sql("SELECT count(*) FROM jobs")[0].count == 70
    assert len(job_events(run_id)) == 60


def test_part_that_another_worker_wrote_first_is_not_written_again(user_id, small_parts):
    board = make_board()
    store(board, *postings(1, 2, 3, 4, 5))
    run_id, left = begin_run(user_id, board), [True]

    def write_first(statement):
        if "UPDATE run_companies" in statement and left and left.pop():
            taking_in.take_in(run_id, is_over=lambda: unit(run_id).parts == 1)

    with watch_statements(db.engine, before=write_first):
        assert taking_in.take_in(run_id)
    assert (unit(run_id).parts, counts(run_id)) == (3, (5, 0, 0, 0, 0))
    assert len(job_events(run_id)) == 5


def test_unexpected_error_leaves_the_others_to_go_on(user_id):
    acme, beta = make_board(board="acme"), make_board(board="beta")
    store(acme, *postings(1, title="Bad"))
    store(beta, *postings(1))
    run_id = begin_run(user_id, acme, beta)
    sql("ALTER TABLE jobs ADD CONSTRAINT bad CHECK (title <> 'Bad')")
    try:
        assert taking_in.take_in(run_id)
    finally:
        sql("ALTER TABLE jobs DROP CONSTRAINT bad")
    assert (unit(run_id, 1).state, unit(run_id, 2).state) == ("read", "taken_in")
    assert taking_in.take_in(run_id)
    assert counts(run_id) == (1, 0, 0, 0, 0)


def test_end_of_the_run_that_a_heartbeat_finds_is_no_error(user_id, small_parts, caplog):
    board = make_board()
    store(board, *postings(1, 2, 3, 4, 5))
    run_id = begin_run(user_id, board)

    def is_over():
        if unit(run_id).parts:
            transitions.abort(run_id)
            heartbeat.beat(run_id, 0)
        return False

    with pytest.raises(RunMoved):
        taking_in.take_in(run_id, is_over)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_taking_in_counts_messages_anew(user_id):
    board = make_board()
    store(board, *postings(1))
    run_id = begin_run(user_id, board)
    sql("UPDATE ingestion_runs SET attempts = 4")
    taking_in.take_in(run_id)
    assert row(run_id).attempts == 0


def test_company_that_is_not_decided_on_waits(user_id):
    board = make_board()
    store(board, *postings(1))
    run_id = begin_run(user_id)
    make_unit(run_id, board)
    assert taking_in.take_in(run_id)
    assert (unit(run_id).state, jobs(user_id)) == ("read", {})


def test_size_of_parts_follows_their_time():
    size = taking_in.PartSize()
    sizes = []
    for seconds in (0.1, 0.1, 0.1, 0.3, 0.6, *[1.0] * 9):
        size.adapt(seconds)
        sizes.append(size.rows)
    assert sizes[:5] == [500, 1000, 1000, 1000, 500]
    assert sizes[-1] == taking_in.MIN_PART


def test_jobs_of_a_removed_posting_stay(user_id):
    board = make_board()
    store(board, *postings(1, 2))
    take_in(user_id, board)
    sql("DELETE FROM postings WHERE external_id = '1'")
    before = traces()
    assert (counts(take_in(user_id, board)), traces()) == ((0, 0, 0, 1, 0), before)
    assert list(posting_rows(board)) == ["2"]
