"""Retries: runs of another run's failed companies."""

import pytest

from app.errors import Unauthenticated
from app.services.accounts import users
from app.services.companies import companies
from app.services.runs import idempotency, start, transitions
from app.services.runs.errors import IdempotencyKeyReused, NothingToRetry, RunActive, RunNotEnded, RunNotFound
from app.services.runs.retry import create_retry
from tests.support.factories import make_user, row, sql
from tests.support.parallel import in_parallel
from tests.support.previews import company
from tests.support.run_rows import end_units, run_units
from tests.support.starts import start_run


@pytest.fixture
def ids(user_id) -> dict[str, int]:
    """The ids of the user's companies, by board."""
    return {board: company(user_id, board, include=("cook",)) for board in ("bad", "good", "worse")}


@pytest.fixture
def failed_run(user_id, ids) -> int:
    """A finished run of which two companies failed."""
    run_id = start_run(user_id)
    end_units(run_id, {"bad": "failed", "good": "taken_in", "worse": "failed"})
    return run_id


def test_retry_freezes_the_failed_companies_with_the_old_filters(user_id, ids, failed_run):
    companies.change(ids["bad"], user_id, {"include": ["chef"], "name": "Other"})
    run_id, is_new = create_retry(failed_run, user_id)
    assert is_new
    units = run_units(run_id)
    assert [(unit.position, unit.name, unit.board, unit.include) for unit in units] == [
        (1, "Bad", "bad", ["cook"]), (2, "Worse", "worse", ["cook"]),
    ]
    assert {(unit.state, unit.previewed, unit.is_baseline) for unit in units} == {("waiting", None, True)}
    run = row(run_id)
    assert (run.status, run.retry_of, run.companies_total, run.note) == ("pending", failed_run, 2, None)
    assert (run.preview_id, run.previewed) == (None, None)


def test_retry_is_no_baseline_if_taken_in_before_with_these_filters(user_id, failed_run):
    later = start_run(user_id)
    end_units(later, {"bad": "taken_in", "good": "failed", "worse": "failed"})
    run_id, _ = create_retry(failed_run, user_id)
    assert [unit.is_baseline for unit in run_units(run_id)] == [False, True]


def test_retry_leaves_out_companies_that_are_gone_or_disabled(user_id, ids, failed_run):
    companies.change(ids["bad"], user_id, {"enabled": False})
    run_id, _ = create_retry(failed_run, user_id)
    assert [unit.board for unit in run_units(run_id)] == ["worse"]
    transitions.abort(run_id)
    companies.remove(ids["worse"], user_id)
    with pytest.raises(NothingToRetry):
        create_retry(failed_run, user_id)


@pytest.mark.parametrize("status", ["finished", "error", "aborted"])
def test_retry_works_for_a_run_that_ended_in_any_way(user_id, ids, status):
    run_id = start_run(user_id)
    end_units(run_id, {"bad": "failed"}, status)
    retried, _ = create_retry(run_id, user_id)
    assert [unit.board for unit in run_units(retried)] == ["bad"]


def test_retry_of_a_run_without_failures_is_refused(user_id, ids):
    run_id = start_run(user_id)
    end_units(run_id, dict.fromkeys(ids, "taken_in"))
    with pytest.raises(NothingToRetry):
        create_retry(run_id, user_id)


def test_retry_names_the_active_run(user_id, failed_run):
    with pytest.raises(RunActive) as refusal:
        active = start_run(user_id)
        create_retry(failed_run, user_id)
    assert refusal.value.run_id == active
    with pytest.raises(RunNotEnded):
        create_retry(active, user_id)


def test_retry_of_another_users_run_is_not_found(failed_run):
    with pytest.raises(RunNotFound):
        create_retry(failed_run, make_user("other@example.org"))


def test_retry_for_a_removed_user_is_unauthenticated(user_id, failed_run):
    users.mark_removed(user_id)
    with pytest.raises(Unauthenticated):
        create_retry(failed_run, user_id)


def test_retry_with_a_key_starts_one_run(user_id, failed_run):
    first, is_new = create_retry(failed_run, user_id, "key")
    assert is_new
    transitions.abort(first)
    assert create_retry(failed_run, user_id, "key") == (first, False)
    for other in (lambda: create_retry(first, user_id, "key"), lambda: start.create_run(user_id, key="key")):
        with pytest.raises(IdempotencyKeyReused):
            other()


def test_retry_fingerprint_has_the_kind_and_the_run():
    prints = {idempotency.retry_fingerprint(5), idempotency.retry_fingerprint(6), idempotency.fingerprint(5)}
    assert len(prints) == 3
    assert idempotency.retry_fingerprint(5).hex() == (
        "1874ac0e575478f9bd0d5e50494c4ebd5e9294db1cbb9f8baf05ab1bd8a65602"
    )


def test_retry_in_parallel_has_one_winner_that_the_others_name(app, user_id, failed_run):
    outcomes = in_parallel(app, *[lambda: create_retry(failed_run, user_id)] * 6)
    [(winner, _)] = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    assert [outcome.run_id for outcome in outcomes if isinstance(outcome, RunActive)] == [winner] * 5
    assert len(sql("SELECT FROM run_companies WHERE run_id = :id", id=winner)) == 2
