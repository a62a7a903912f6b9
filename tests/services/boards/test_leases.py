"""Leases: renewed while somebody waits, released, and put off."""

import pytest

from app.services.boards import claims, leases
from app.services.boards.times import BoardTimes
from tests.support.factories import open_transaction, sql
from tests.support.wants import (
    VERSIONS,
    board_row,
    make_board,
    make_company,
    make_waiting_preview,
    make_waiting_run,
    set_board,
)

TIMES = BoardTimes()
SOON = "clock_now() + interval '1 s'"


@pytest.fixture
def claim(app):
    make_waiting_preview(make_board())
    return claims.claim_wanted(VERSIONS, TIMES)


def has_long_lease(board_id: int) -> bool:
    return board_row(board_id).lease_until > sql("SELECT clock_now() + interval '25 s' AS soon")[0].soon


def test_renewal_extends_the_lease(claim):
    set_board(claim.board_id, f"lease_until = {SOON}")
    assert leases.renew([claim], TIMES) == {claim.lease_id: True}
    assert has_long_lease(claim.board_id)


def test_renewal_leaves_a_lost_lease_alone(claim):
    set_board(claim.board_id, f"lease_id = gen_random_uuid(), lease_until = {SOON}")
    assert leases.renew([claim], TIMES) == {}
    assert not has_long_lease(claim.board_id)


def test_renewal_does_not_wait_for_a_board_that_is_being_stored(claim):
    set_board(claim.board_id, f"lease_until = {SOON}")
    with open_transaction(f"UPDATE boards SET attempt = attempt WHERE board_id = {claim.board_id}"):
        assert leases.renew([claim], TIMES) == {claim.lease_id: True}
    assert not has_long_lease(claim.board_id)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM previews",
        "UPDATE previews SET finished_at = clock_now()",
        "UPDATE previews SET deadline_at = clock_now()",
        "UPDATE preview_companies SET state = 'failed', outcome = 'ok', listed_at = clock_now()",
        "UPDATE boards SET content_began_at = clock_now()",
        "UPDATE boards SET failed_until = clock_now() + interval '1 min'",
        "INSERT INTO source_switches (source) VALUES ('greenhouse')",
    ],
)
def test_renewal_tells_that_nobody_waits_any_more(claim, change):
    sql(change)
    assert leases.renew([claim], TIMES) == {claim.lease_id: False}


def test_renewal_of_a_board_that_another_preview_waits_for(claim):
    make_waiting_preview(claim.board_id, email="b@example.org")
    sql("DELETE FROM previews WHERE preview_id = (SELECT min(preview_id) FROM previews)")
    assert leases.renew([claim], TIMES) == {claim.lease_id: True}


def test_renewal_of_a_board_that_a_run_waits_for(claim):
    make_waiting_run(claim.board_id, email="b@example.org")
    sql("DELETE FROM previews")
    assert leases.renew([claim], TIMES) == {claim.lease_id: True}


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM ingestion_runs",
        "UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_now()",
        "UPDATE ingestion_runs SET status = 'error', finished_at = clock_now()",
        "UPDATE ingestion_runs SET deadline_at = clock_now()",
        "UPDATE run_companies SET state = 'failed', outcome = 'ok'",
        "UPDATE boards SET content_began_at = clock_now()",
        "UPDATE boards SET failed_until = clock_now() + interval '1 min'",
        "INSERT INTO source_switches (source) VALUES ('greenhouse')",
    ],
)
def test_renewal_tells_that_no_run_waits_any_more(app, change):
    make_waiting_run(make_board())
    claim = claims.claim_wanted(VERSIONS, TIMES)
    assert leases.renew([claim], TIMES) == {claim.lease_id: True}
    sql(change)
    assert leases.renew([claim], TIMES) == {claim.lease_id: False}


def test_second_look_is_wanted_while_an_enabled_company_has_the_board(app):
    board_id = make_board()
    make_company(board_id)
    set_board(board_id, "look_again_at = clock_now()")
    claim = claims.claim_second_look(VERSIONS, TIMES)
    assert leases.renew([claim], TIMES) == {claim.lease_id: True}
    sql("UPDATE companies SET enabled = false")
    assert leases.renew([claim], TIMES) == {claim.lease_id: False}


def test_released_board_can_be_claimed_and_counts_no_attempt(claim):
    assert leases.release([claim]) == 1
    row = board_row(claim.board_id)
    assert (row.lease_id, row.lease_until, row.attempt, row.is_second_look) == (None, None, 0, False)
    assert claims.claim_wanted(VERSIONS, TIMES).attempt == 1


def test_release_leaves_a_lost_lease_alone(claim):
    set_board(claim.board_id, "lease_id = gen_random_uuid()")
    assert leases.release([claim]) == 0
    assert board_row(claim.board_id).lease_id is not None


@pytest.mark.parametrize(("counted", "attempt"), [(True, 1), (False, 0)])
def test_snoozed_board_waits(claim, counted, attempt):
    assert leases.snooze(claim, TIMES, counted=counted)
    assert claims.claim_wanted(VERSIONS, TIMES) is None
    assert board_row(claim.board_id).attempt == attempt
    set_board(claim.board_id, "not_before = clock_now()")
    assert claims.claim_wanted(VERSIONS, TIMES).board_id == claim.board_id


def test_snooze_of_a_lost_lease_changes_nothing(claim):
    set_board(claim.board_id, "lease_id = gen_random_uuid()")
    assert not leases.snooze(claim, TIMES, counted=True)
    assert board_row(claim.board_id).not_before is None
