"""Starting runs, alone and in races with other starts and aborts."""

import pytest

from app.errors import Unauthenticated
from app.extensions import db
from app.services.runs import queries, start, transitions
from app.services.runs.errors import RunActive
from tests.support.factories import make_run, make_user, row, sql
from tests.support.parallel import in_parallel
from tests.support.starts import start_run
from tests.support.statements import watch_statements


def test_start_inserts_a_pending_run_that_is_due_after_five_seconds(user_id):
    run_id = start_run(user_id)
    found = row(run_id)
    assert (found.status, found.user_id, found.total_jobs, found.dispatched_at) == ("pending", user_id, 0, None)
    assert (found.next_dispatch_at - found.created_at).total_seconds() == pytest.approx(5, abs=1)
    assert queries.current(user_id) == run_id


def test_start_for_a_removed_user_is_unauthenticated(app):
    with pytest.raises(Unauthenticated):
        start_run(987_654)


def test_start_names_the_active_run_and_uses_up_no_id(user_id):
    run_id = start_run(user_id)
    for _ in range(5):
        with pytest.raises(RunActive) as refusal:
            start_run(user_id)
        assert refusal.value.run_id == run_id
    transitions.abort(run_id)
    assert start_run(user_id) == run_id + 1


def test_start_is_refused_by_an_active_run_of_any_age(user_id):
    run_id = make_run("ingesting", user_id, created_at="2001-01-01")
    assert queries.current(user_id) == run_id
    with pytest.raises(RunActive) as refusal:
        start_run(user_id)
    assert refusal.value.run_id == run_id


def test_start_in_parallel_has_one_winner_that_the_others_name(app, user_id):
    for _ in range(10):
        outcomes = in_parallel(app, *[lambda: start_run(user_id)] * 8)
        [winner] = [outcome for outcome in outcomes if isinstance(outcome, int)]
        assert {outcome.run_id for outcome in outcomes if isinstance(outcome, RunActive)} == {winner}
        assert len(sql("SELECT 1 FROM ingestion_runs WHERE status = 'pending'")) == 1
        transitions.abort(winner)


def test_start_does_not_block_other_users(app):
    users = [make_user(f"{name}@example.org") for name in "abcdef"]
    started = in_parallel(app, *[lambda user_id=user_id: start_run(user_id) for user_id in users])
    assert [queries.current(user_id) for user_id in users] == started


def test_start_against_abort_starts_or_names_the_active_run(app, user_id):
    """A start races with the abort of the active run: it either starts a run or names the active one."""
    for _ in range(20):
        run_id = start_run(user_id)
        _, outcome = in_parallel(app, lambda: transitions.abort(run_id), lambda: start_run(user_id))
        active = queries.current(user_id)
        assert active == (outcome if isinstance(outcome, int) else None)
        assert isinstance(outcome, int) or outcome.run_id == run_id
        if active:
            transitions.abort(active)


@pytest.fixture
def obstacle(app, user_id):
    """Block the next ``left`` attempts of a start: insert an active run before each, and abort it afterwards."""
    state = {"left": 0, "busy": False}

    def is_attempt(statement):
        return "INSERT INTO ingestion_runs" in statement and state["left"] and not state["busy"]

    def before(statement):
        if is_attempt(statement):
            state["busy"] = True
            state["run_id"] = make_run("pending", user_id)
            state["busy"] = False

    def after(statement):
        if is_attempt(statement):
            state["busy"] = True
            transitions.abort(state["run_id"])
            state["left"] -= 1
            state["busy"] = False

    with watch_statements(db.engine, before, after):
        yield state


def test_start_is_repeated_while_its_obstacle_ends(obstacle, user_id):
    obstacle["left"] = 20
    run_id = start_run(user_id)
    assert obstacle["left"] == 0
    assert queries.current(user_id) == run_id


def test_start_gives_up_after_max_attempts(obstacle, user_id):
    obstacle["left"] = start.MAX_START_ATTEMPTS
    with pytest.raises(RuntimeError):
        start.create_run(user_id)
    assert queries.current(user_id) is None
