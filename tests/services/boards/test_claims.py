"""Claims: the board that is read next."""

import pytest

from app.extensions import db
from app.services.boards import claims
from app.services.boards.times import BoardTimes
from app.sources.types import Validators
from tests.support.factories import open_transaction, sql
from tests.support.parallel import in_parallel
from tests.support.wants import (
    VERSIONS,
    board_row,
    make_board,
    make_company,
    make_waiting_preview,
    readings_of,
    set_board,
)

TIMES = BoardTimes()
LATER = "clock_now() + interval '1 min'"
AGO = "clock_now() - interval '1 s'"


def claim(**versions):
    return claims.claim_wanted(versions or VERSIONS, TIMES)


def claimed():
    found = claim()
    return found.board_id if found else None


def test_claim_begins_a_reading_under_a_lease(app):
    board_id = make_board()
    make_waiting_preview(board_id)
    found = claim()
    row, [reading] = board_row(board_id), readings_of(board_id)
    assert (found.board_id, found.source, found.board, found.attempt) == (board_id, "greenhouse", "acme", 1)
    assert (found.listing_id, found.began_at) == (reading.listing_id, reading.began_at)
    assert found.lease_id == row.lease_id and reading.state == "reading"
    assert claim() is None


def test_claim_of_a_broken_reading_begins_it_anew(app):
    board_id = make_board()
    make_waiting_preview(board_id)
    first = claim()
    set_board(board_id, f"lease_until = {AGO}")
    second = claim()
    assert (second.listing_id, second.attempt) == (first.listing_id, 2)
    assert second.lease_id != first.lease_id and second.began_at > first.began_at
    assert len(readings_of(board_id)) == 1


@pytest.mark.parametrize(
    "state",
    [
        "content_began_at = clock_now() - interval '9 min'",
        f"failed_until = {LATER}",
        f"not_before = {LATER}",
        f"lease_id = gen_random_uuid(), lease_until = {LATER}",
        "schema_version = 2",
        "attempt = 3",
    ],
)
def test_claim_passes_over_a_board(app, state):
    board_id = make_board()
    set_board(board_id, state)
    make_waiting_preview(board_id)
    assert claim() is None


@pytest.mark.parametrize(
    "state",
    [
        "content_began_at = clock_now() - interval '11 min'",
        f"failed_until = {AGO}",
        f"not_before = {AGO}",
        f"lease_id = gen_random_uuid(), lease_until = {AGO}",
        "schema_version = 1",
        "attempt = 2",
    ],
)
def test_claim_takes_a_board(app, state):
    board_id = make_board()
    set_board(board_id, state)
    make_waiting_preview(board_id)
    assert claimed() == board_id


def test_claim_leaves_boards_of_ended_previews_and_other_sources(app):
    board_id = make_board()
    preview_id = make_waiting_preview(board_id)
    assert claim(lever=1) is None
    sql("UPDATE previews SET deadline_at = clock_now() - interval '1 s'")
    assert claim() is None
    sql("UPDATE previews SET deadline_at = clock_now() + interval '1 min', finished_at = clock_now()")
    assert claim() is None
    sql("UPDATE previews SET finished_at = NULL")
    sql("UPDATE preview_companies SET state = 'failed', outcome = 'ok', listed_at = clock_now()")
    assert claim() is None
    assert preview_id


def test_claims_take_turns_between_previews_and_follow_positions(app):
    boards = [make_board(board=f"b{number}") for number in range(6)]
    make_waiting_preview(*boards[:4], email="a@example.org")
    make_waiting_preview(*boards[4:], email="b@example.org")
    assert [claimed() for _ in range(7)] == [boards[each] for each in (0, 4, 1, 5, 2, 3)] + [None]


def test_claim_looks_at_no_board_of_a_source_held_back(app):
    held_back = [make_board(board=f"held-{number}") for number in range(30)]
    for number in range(40):
        wanted = make_board("lever", f"wanted-{number}")
        make_waiting_preview(*held_back, wanted, email=f"{number}@example.org")
    sql("ANALYZE boards, previews, preview_companies")
    values = {**claims._values({"lever": 1}, TIMES), "lease": TIMES.lease, "reuse": TIMES.reuse}
    with db.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        assert connection.execute(claims.CLAIM_FIRST, values).one().board == "wanted-0"
        looks = "SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'boards'"
        # A look and a few joins for each of the previews, which PostgreSQL sorts, but none for the 1,200 others.
        assert connection.exec_driver_sql(looks).scalar_one() < 600
        connection.exec_driver_sql("ROLLBACK")


def test_boards_that_were_claimed_in_vain_come_last(app):
    boards = [make_board(board=f"b{number}") for number in range(3)]
    make_waiting_preview(*boards, email="a@example.org")
    make_waiting_preview(boards[2], email="b@example.org")
    set_board(boards[0], "attempt = 1")
    assert [claimed() for _ in range(3)] == [boards[1], boards[2], boards[0]]


def test_simultaneous_claims_get_different_boards(app):
    boards = [make_board(board=f"b{number}") for number in range(40)]
    make_waiting_preview(*boards)
    found = in_parallel(app, *[claimed] * 20)
    assert None not in found and len(set(found)) == 20


def test_claim_skips_a_board_that_is_being_stored(app):
    first, second = make_board(board="a"), make_board(board="b")
    make_waiting_preview(first, second)
    with open_transaction(f"SELECT FROM boards WHERE board_id = {first} FOR NO KEY UPDATE"):
        assert claimed() == second


def test_claim_does_not_wait_for_a_locked_preview(app):
    board_id = make_board()
    preview_id = make_waiting_preview(board_id)
    with open_transaction(f"SELECT FROM previews WHERE preview_id = {preview_id} FOR NO KEY UPDATE"):
        assert claimed() == board_id


def test_validators_are_sent_for_a_day_and_to_the_same_parser(app):
    board_id = make_board(etag="e", last_modified="m", schema_version=1)
    make_waiting_preview(board_id)
    for validated_at, versions, expected in (
        ("clock_now() - interval '23 hours'", {"greenhouse": 1}, Validators("e", "m")),
        ("clock_now() - interval '25 hours'", {"greenhouse": 1}, None),
        ("clock_now() - interval '23 hours'", {"greenhouse": 2}, None),
        ("NULL", {"greenhouse": 1}, None),
    ):
        set_board(board_id, f"validated_at = {validated_at}, lease_id = NULL, lease_until = NULL, attempt = 0")
        assert claim(**versions).validators == expected


def test_second_look_is_claimed_for_an_enabled_company_only(app):
    board_id = make_board()
    set_board(board_id, f"look_again_at = {AGO}")
    assert claims.claim_second_look(VERSIONS, TIMES) is None
    make_company(board_id, enabled=False)
    assert claims.claim_second_look(VERSIONS, TIMES) is None
    sql("UPDATE companies SET enabled = true")
    found = claims.claim_second_look(VERSIONS, TIMES)
    assert found.board_id == board_id and found.is_second_look
    assert board_row(board_id).second_look_at is not None
    assert claims.claim_second_look(VERSIONS, TIMES) is None


def test_board_of_a_source_that_was_just_switched_off_is_not_claimed(app):
    board_id = make_board()
    make_company(board_id)
    make_waiting_preview(board_id)
    set_board(board_id, f"look_again_at = {AGO}")
    sql("INSERT INTO source_switches (source) VALUES ('greenhouse')")
    assert claim() is None
    assert claims.claim_second_look(VERSIONS, TIMES) is None
    sql("DELETE FROM source_switches")
    assert claimed() == board_id


def test_second_look_is_claimed_when_it_is_due(app):
    board_id = make_board()
    make_company(board_id)
    set_board(board_id, f"look_again_at = {LATER}")
    assert claims.claim_second_look(VERSIONS, TIMES) is None


def test_exhausted_reading_is_claimed_after_its_lease_only(app):
    board_id = make_board()
    make_waiting_preview(board_id)
    for _ in range(3):
        assert claims.claim_exhausted(VERSIONS, TIMES) is None
        claim()
        last_attempt_works = claims.claim_exhausted(VERSIONS, TIMES) is None
        assert last_attempt_works
        set_board(board_id, f"lease_until = {AGO}")
    assert claim() is None
    assert claims.claim_exhausted(VERSIONS, TIMES).board_id == board_id


def test_exhausted_board_without_a_lease_is_claimed_for_its_end(app):
    board_id = make_board(attempt=TIMES.exhausted_attempts)
    make_waiting_preview(board_id)
    assert claim() is None
    assert claims.claim_exhausted(VERSIONS, TIMES).board_id == board_id


def test_one_board_is_claimed_for_the_operator(app):
    board_id = make_board()
    assert claims.claim_board(board_id, VERSIONS, TIMES).board_id == board_id
    assert claims.claim_board(board_id, VERSIONS, TIMES) is None


def test_count_of_claimable_boards_counts_each_once(app):
    boards = [make_board(board=f"b{number}") for number in range(3)]
    make_waiting_preview(*boards, email="a@example.org")
    make_waiting_preview(boards[0], email="b@example.org")
    due = make_board(board="due")
    set_board(due, f"look_again_at = {AGO}")
    make_company(due)

    def count(limit, **options):
        return claims.count_claimable(VERSIONS, TIMES, limit, **options)

    assert count(8, second_looks=True) == 4
    assert count(8, second_looks=False) == 3
    assert count(1, second_looks=True) == 1
    claim()
    assert count(8, second_looks=False) == 2
