"""The counts and the revision of runs."""

import pytest

from app.services.runs import queries, transitions
from tests.support.factories import make_run, sql
from tests.support.run_units import add_unit, insert, lease, other_user

STATES = ("waiting", "reading", "read", "taken_in", "failed")


def states(run) -> dict[str, int]:
    return {state: getattr(run, f"companies_{state}") for state in STATES}


def test_run_counts_each_company_once(user_id):
    run_id = make_run("ingesting", user_id, companies_total=6)
    for position, (board, state) in enumerate(
        [("a", "waiting"), ("b", "waiting"), ("c", "read"), ("d", "taken_in"), ("e", "taken_in"), ("f", "failed")], 1
    ):
        add_unit(run_id, position, board, state)
    lease("b")
    lease("c")
    assert states(queries.get(run_id)) == {"waiting": 1, "reading": 1, "read": 1, "taken_in": 2, "failed": 1}


def test_lapsed_lease_reads_nothing(user_id):
    run_id = make_run("initializing", user_id)
    add_unit(run_id, 1, "a")
    lease("a", seconds=-1)
    assert states(queries.get(run_id))["reading"] == 0


def test_ended_run_reads_nothing_although_its_board_is_read(user_id):
    run_id = make_run("aborted", user_id)
    add_unit(run_id, 1, "a")
    lease("a")
    assert states(queries.get(run_id)) == dict.fromkeys(STATES, 0) | {"waiting": 1}


def test_jobs_are_the_sums_of_the_companies(user_id):
    run_id = make_run("ingesting", user_id)
    add_unit(run_id, 1, "a", "taken_in", new_jobs=1, changed_jobs=2, reopened_jobs=3, unchanged_jobs=4)
    add_unit(run_id, 2, "b", "read", matched=None, new_jobs=10)
    run = queries.get(run_id)
    assert (run.jobs_new, run.jobs_changed, run.jobs_reopened, run.jobs_unchanged, run.jobs_done) == (11, 2, 3, 4, 20)


def test_jobs_done_leave_out_a_company_that_failed_half_way(user_id):
    run_id = make_run("ingesting", user_id, total_jobs=9)
    add_unit(run_id, 1, "a", "taken_in", changed_jobs=2, unchanged_jobs=7)
    add_unit(run_id, 2, "b", "failed", outcome="out_of_time", matched=500, new_jobs=250, parts=1)
    run = queries.get(run_id)
    assert (run.jobs_done, run.jobs_new) == (9, 250)


def test_counts_of_two_runs_stay_apart(user_id):
    mine, other = make_run("finished", user_id), make_run("initializing", other_user())
    add_unit(mine, 1, "a", "taken_in", new_jobs=5)
    add_unit(other, 1, "a")
    lease("a")
    assert (states(queries.get(mine))["taken_in"], queries.get(mine).jobs_new) == (1, 5)
    assert states(queries.get(other)) == dict.fromkeys(STATES, 0) | {"reading": 1}
    assert [(run.id, run.jobs_new) for run in queries.newest()[0]] == [(other, 0), (mine, 5)]
    assert [run.id for run in queries.newest(user_id)[0]] == [mine]


def test_revision_grows_with_each_step(user_id):
    run_id = make_run("pending", user_id)
    add_unit(run_id, 1, "a")
    add_unit(run_id, 2, "b")
    found = [queries.get(run_id).revision]
    assert found == [0]
    for step in (
        "UPDATE ingestion_runs SET status = 'initializing'",
        "UPDATE run_companies SET state = 'read', outcome = 'ok', listing_id = 1 WHERE position = 1",
        "UPDATE run_companies SET state = 'failed', outcome = 'gone' WHERE position = 2",
        "UPDATE ingestion_runs SET status = 'ingesting'",
        "UPDATE run_companies SET new_jobs = 1000 WHERE position = 1",
        "UPDATE run_companies SET state = 'taken_in', matched = 1007, unchanged_jobs = 7, expired_jobs = 0"
        " WHERE position = 1",
    ):
        sql(step)
        found.append(queries.get(run_id).revision)
    transitions.fail(run_id, "No.")
    found.append(queries.get(run_id).revision)
    assert found == sorted(set(found))
    assert found[1:] == [
        10**13,
        10**13 + 10**9,
        10**13 + 3 * 10**9,
        2 * 10**13 + 3 * 10**9,
        2 * 10**13 + 3 * 10**9 + 1000,
        2 * 10**13 + 4 * 10**9 + 1007,
        3 * 10**13 + 4 * 10**9 + 1007,
    ]


def test_company_that_fails_after_a_part_does_not_lower_the_revision(user_id):
    run_id = make_run("ingesting", user_id)
    add_unit(run_id, 1, "a", "read", new_jobs=999_999)
    before = queries.get(run_id).revision
    sql("UPDATE run_companies SET state = 'failed', outcome = 'out_of_time', new_jobs = 0")
    assert queries.get(run_id).revision > before


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ("asked", {"expire": None, "expired": None, "answered_at": None}),
        ("answered", {"expire": True, "expired": 60, "answered_at": "2026-01-02"}),
    ],
)
def test_run_has_its_question(user_id, state, answer):
    run_id, plain = make_run("finished", user_id), make_run("finished", user_id)
    insert("run_closings", run_id=run_id, user_id=user_id, state=state, count=70, open=100, **answer)
    run = queries.get(run_id, user_id)
    found = (run.closings_state, run.closings_count, run.closings_open, run.closings_expire, run.closings_expired)
    assert found == (state, 70, 100, answer["expire"], answer["expired"])
    assert bool(run.closings_answered_at) == (state == "answered")
    assert queries.get(plain, user_id).closings_state is None
