"""Turns: previews and runs wait for boards together, and each gets one in its turn."""

import pytest

from app.extensions import db
from app.services.boards import claims
from app.services.boards.times import BoardTimes
from tests.support.factories import make_run, make_run_company, open_transaction, row, sql
from tests.support.parallel import in_parallel
from tests.support.previews import preview
from tests.support.wants import VERSIONS, make_board, make_waiting_preview, make_waiting_run, set_board

TIMES = BoardTimes()


def claimed(**versions):
    found = claims.claim_wanted(versions or VERSIONS, TIMES)
    return found.board_id if found else None


def make_boards(number: int) -> list[int]:
    return [make_board(board=f"b{each}") for each in range(number)]


@pytest.mark.parametrize("status", ["initializing", "ingesting"])
def test_board_of_a_run_under_way_is_claimed(app, status):
    board_id = make_board()
    make_waiting_run(board_id, status=status)
    assert [claimed(), claimed()] == [board_id, None]


@pytest.mark.parametrize("status", ["pending", "finished", "error", "aborted"])
def test_board_of_a_run_that_is_not_under_way_is_left(app, status):
    run_id = make_run(status, jobs_ready=0, jobs_skipped=0)
    sql("UPDATE ingestion_runs SET deadline_at = clock_now() + interval '1 min'")
    make_run_company(run_id)
    assert claimed() is None


def test_board_of_a_run_past_its_deadline_is_left(app):
    make_waiting_run(make_board())
    sql("UPDATE ingestion_runs SET deadline_at = clock_now() - interval '1 s'")
    assert claimed() is None


def test_board_of_a_company_that_was_answered_is_left(app):
    make_waiting_run(make_board())
    sql("UPDATE run_companies SET state = 'failed', outcome = 'gone'")
    assert claimed() is None


def test_previews_and_runs_take_turns_and_follow_positions(app):
    boards = make_boards(9)
    make_waiting_preview(*boards[:3], email="a@example.org")
    make_waiting_run(*boards[3:5], email="b@example.org")
    make_waiting_run(*boards[5:8], email="c@example.org")
    make_waiting_preview(boards[8], email="d@example.org")
    # The first round: who began first. Later ones: whose last claim is longest ago.
    first = [claimed() for _ in range(4)]
    assert set(first) == {boards[each] for each in (0, 3, 5, 8)}
    assert [claimed() for _ in range(6)] == [boards[each] for each in (1, 4, 6, 2, 7)] + [None]


@pytest.mark.parametrize("oldest", ["preview", "run"])
def test_first_turn_is_of_the_one_that_began_first(app, oldest):
    mine, theirs = make_boards(2)
    make_waiting_preview(mine, email="a@example.org")
    make_waiting_run(theirs, email="b@example.org")
    ages = {"preview": 1, "run": 1} | {oldest: 9}
    sql("UPDATE previews SET created_at = clock_now() - make_interval(secs => :age)", age=ages["preview"])
    sql("UPDATE ingestion_runs SET started_at = clock_now() - make_interval(secs => :age)", age=ages["run"])
    assert claimed() == (mine if oldest == "preview" else theirs)


def test_turn_is_recorded_for_whoever_got_the_board(app):
    mine, theirs = make_boards(2)
    preview_id = make_waiting_preview(mine, email="a@example.org")
    run_id = make_waiting_run(theirs, email="b@example.org")
    # The ids of previews and runs may be alike.
    assert preview_id == run_id
    sql("UPDATE previews SET created_at = clock_now() - interval '1 min'")
    assert claimed() == mine
    assert preview(preview_id).last_claim_at is not None and row(run_id).last_claim_at is None
    before = preview(preview_id).last_claim_at
    assert claimed() == theirs
    assert row(run_id).last_claim_at > before == preview(preview_id).last_claim_at


def test_board_that_both_wait_for_is_claimed_once(app):
    shared, other = make_boards(2)
    make_waiting_preview(shared, email="a@example.org")
    make_waiting_run(shared, other, email="b@example.org")
    assert [claimed() for _ in range(3)] == [shared, other, None]
    assert claims.count_claimable(VERSIONS, TIMES, 8, second_looks=False) == 0


def test_count_of_claimable_boards_counts_those_of_runs(app):
    boards = make_boards(3)
    make_waiting_preview(*boards[:2], email="a@example.org")
    make_waiting_run(*boards[1:], email="b@example.org")
    set_board(boards[2], "attempt = 1")
    assert claims.count_claimable(VERSIONS, TIMES, 8, second_looks=False) == 3


def test_boards_of_runs_that_were_claimed_in_vain_come_last(app):
    boards = make_boards(3)
    make_waiting_run(*boards[:2], email="a@example.org")
    make_waiting_preview(boards[2], email="b@example.org")
    set_board(boards[0], "attempt = 1")
    assert {claimed(), claimed()} == {boards[1], boards[2]}
    assert claimed() == boards[0]


def test_simultaneous_claims_for_a_run_get_different_boards(app):
    make_waiting_run(*make_boards(40))
    found = in_parallel(app, *[claimed] * 20)
    assert None not in found and len(set(found)) == 20


def test_claim_does_not_wait_for_a_locked_run(app):
    board_id = make_board()
    run_id = make_waiting_run(board_id)
    with open_transaction(f"SELECT FROM ingestion_runs WHERE id = {run_id} FOR NO KEY UPDATE"):
        assert claimed() == board_id
    assert row(run_id).last_claim_at is None


def test_claim_for_runs_looks_at_no_board_of_a_source_held_back(app):
    held_back = [make_board(board=f"held-{number}") for number in range(30)]
    for number in range(40):
        wanted = make_board("lever", f"wanted-{number}")
        make_waiting_run(*held_back, wanted, email=f"{number}@example.org")
    sql("ANALYZE boards, ingestion_runs, run_companies")
    values = {**claims._values({"lever": 1}, TIMES), "lease": TIMES.lease, "reuse": TIMES.reuse}
    with db.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        assert connection.execute(claims.CLAIM_FIRST, values).one().board == "wanted-0"
        looks = "SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'boards'"
        # A look and a few joins for each of the runs that PostgreSQL sorts, but none for the 1,200 others.
        assert connection.exec_driver_sql(looks).scalar_one() < 600
        connection.exec_driver_sql("ROLLBACK")
