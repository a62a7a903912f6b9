"""The only writer of a run's status."""

import psycopg
import pytest

from app.config.validators import connect_arguments
from app.errors import DatabaseUnavailable, Unauthenticated
from app.extensions import db
from app.models import RunStatus
from app.services.runs import queries, start, transitions
from app.services.runs.errors import RunActive, RunMoved, RunNotFound
from tests.support.factories import make_run, make_user, open_transaction, row, sql, timeline
from tests.support.parallel import in_parallel
from tests.support.starts import start_run
from tests.support.statements import watch_statements
from tests.support.waiting import wait_until

MOVES = {
    RunStatus.INITIALIZING: transitions.claim,
    RunStatus.INGESTING: lambda run_id: transitions.advance(run_id, 12),
    RunStatus.FINISHED: transitions.finish,
    RunStatus.ERROR: lambda run_id: transitions.fail(run_id, "The board vanished."),
    RunStatus.ABORTED: transitions.abort,
}


@pytest.mark.parametrize("target", MOVES)
@pytest.mark.parametrize("source", list(RunStatus))
def test_each_service_makes_its_move_from_every_legal_status_and_from_no_other(app, source, target):
    run_id = make_run(source.value)
    before = row(run_id)
    if source in target.sources:
        MOVES[target](run_id)
        assert row(run_id).status == target
        assert (row(run_id).finished_at is not None) == (target in RunStatus.TERMINAL)
        assert len(timeline(run_id)) == 2
        return
    if (source, target) == (RunStatus.ABORTED, RunStatus.ABORTED):
        MOVES[target](run_id)
    else:
        with pytest.raises(RunMoved) as refusal:
            MOVES[target](run_id)
        assert refusal.value.run_status == source
        assert source.value in refusal.value.detail
    assert row(run_id) == before
    assert len(timeline(run_id)) == 1


LOST_ANSWERS = (
    psycopg.OperationalError("server closed the connection unexpectedly"),
    psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
)


@pytest.mark.parametrize("lost", LOST_ANSWERS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("target", MOVES)
def test_a_move_whose_answer_is_lost_is_made_and_never_asked_for_again(app, target, lost):
    run_id = make_run(target.sources[0].value)
    asked = []

    def lose(statement):
        if statement.startswith("UPDATE"):
            asked.append(statement)
            raise lost

    with watch_statements(db.engine, after=lose), pytest.raises(DatabaseUnavailable):
        MOVES[target](run_id)
    assert len(asked) == 1
    assert row(run_id).status == target


def test_a_user_of_any_number_that_the_table_takes_has_his_runs(app):
    user_id = 2**40
    sql("INSERT INTO users (user_id, email) VALUES (:user_id, 'far@example.org')", user_id=user_id)
    run_id = start_run(user_id)
    assert queries.current(user_id) == run_id == queries.get(run_id, user_id).id
    transitions.abort(run_id, user_id)
    assert queries.current(user_id) is None


def test_an_active_run_is_found_and_in_the_way_however_old_it_is(user_id):
    run_id = make_run("ingesting", user_id, created_at="2001-01-01")
    assert queries.current(user_id) == run_id
    with pytest.raises(RunActive) as refusal:
        start_run(user_id)
    assert refusal.value.run_id == run_id


def test_a_timeline_is_in_order_wherever_its_rows_lie(user_id):
    run_id = make_run("pending", user_id)
    with db.engine.connect().execution_options(isolation_level="READ COMMITTED") as other:
        other.exec_driver_sql("SET LOCAL session_replication_role = replica")  # No trigger, as in a restore.
        for seq, status in ((3, "ingesting"), (2, "initializing")):
            other.exec_driver_sql(
                "INSERT INTO run_events (run_id, seq, at, to_status, actor) VALUES (%s, %s, now(), %s, 'worker')",
                (run_id, seq, status),
            )
        other.commit()
    assert [event.seq for event in queries.events(run_id, user_id)] == [1, 2, 3]
    with db.engine.connect() as connection:
        # As they lie, which is how PostgreSQL reads them where that is less work.
        connection.exec_driver_sql("SET enable_indexscan = off")
        connection.exec_driver_sql("SET enable_bitmapscan = off")
        found = connection.execute(queries.TIMELINE, {"run_id": run_id, "owner": None, "after": 0}).fetchall()
        connection.invalidate()
    assert [event.seq for event in found] == [1, 2, 3]


@pytest.mark.parametrize("move", MOVES.values())
def test_a_move_of_a_run_that_is_not_there_says_so(app, move):
    with pytest.raises(RunNotFound):
        move(404)


def test_a_start_makes_a_pending_run_that_is_due_for_the_reconciler_in_a_moment(user_id):
    run_id = start_run(user_id)
    found = row(run_id)
    assert (found.status, found.user_id, found.total_jobs, found.dispatched_at) == ("pending", user_id, 0, None)
    assert (found.next_dispatch_at - found.created_at).total_seconds() == pytest.approx(5, abs=1)
    assert queries.current(user_id) == run_id


def test_a_second_start_names_the_active_run_and_burns_no_id(user_id):
    run_id = start_run(user_id)
    for _ in range(5):
        with pytest.raises(RunActive) as refusal:
            start_run(user_id)
        assert refusal.value.run_id == run_id
    transitions.abort(run_id)
    assert start_run(user_id) == run_id + 1


def test_of_parallel_starts_one_wins_and_the_others_are_told_its_id(app, user_id):
    for _ in range(10):
        outcomes = in_parallel(app, *[lambda: start_run(user_id)] * 8)
        [winner] = [outcome for outcome in outcomes if isinstance(outcome, int)]
        assert {outcome.run_id for outcome in outcomes if isinstance(outcome, RunActive)} == {winner}
        assert len(sql("SELECT 1 FROM ingestion_runs WHERE status = 'pending'")) == 1
        transitions.abort(winner)


def test_two_users_start_without_seeing_each_other(app):
    users = [make_user(f"{name}@example.org") for name in "abcdef"]
    started = in_parallel(app, *[lambda user_id=user_id: start_run(user_id) for user_id in users])
    assert [queries.current(user_id) for user_id in users] == started


def test_a_start_whose_obstacle_ends_meanwhile_is_tried_again(app, user_id):
    """Starts race with aborts of the run in their way: each either starts or names a run, and none is in doubt."""
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
    """Makes a run of the user get in the way of so many starts, which ends when a start has met it."""
    met = {"left": 0, "busy": False}

    def concerns(statement):
        return statement.startswith("INSERT INTO ingestion_runs") and met["left"] and not met["busy"]

    def before(statement):
        if concerns(statement):
            met["busy"] = True
            met["run_id"] = make_run("pending", user_id)
            met["busy"] = False

    def after(statement):
        if concerns(statement):
            met["busy"] = True
            transitions.abort(met["run_id"])
            met["left"] -= 1
            met["busy"] = False

    with watch_statements(db.engine, before, after):
        yield met


def test_a_start_is_tried_again_as_often_as_it_takes(obstacle, user_id):
    obstacle["left"] = 20
    run_id = start_run(user_id)
    assert obstacle["left"] == 0
    assert queries.current(user_id) == run_id


def test_a_start_that_meets_an_obstacle_for_ever_is_a_fault_of_ours(obstacle, user_id):
    obstacle["left"] = start.MAX_START_ATTEMPTS
    with pytest.raises(RuntimeError):
        start.create_run(user_id)
    assert queries.current(user_id) is None


def test_a_start_for_a_user_who_is_gone_is_refused(app):
    with pytest.raises(Unauthenticated):
        start_run(987_654)


def test_of_parallel_claims_one_wins(app):
    for number in range(10):
        run_id = make_run("pending", make_user(f"{number}@example.org"))
        outcomes = in_parallel(app, *[lambda: transitions.claim(run_id)] * 6)
        assert outcomes.count(None) == 1
        assert [event.to_status for event in timeline(run_id)] == ["pending", "initializing"]


def test_abort_against_finish_has_one_winner_and_tells_the_loser_the_truth(app):
    for number in range(20):
        run_id = make_run("ingesting", make_user(f"{number}@example.org"))
        aborted, finished = in_parallel(app, lambda: transitions.abort(run_id), lambda: transitions.finish(run_id))
        if row(run_id).status == "aborted":
            assert (aborted, finished.run_status) == (None, "aborted")
        else:
            assert (aborted.run_status, finished) == ("finished", None)
        assert len(timeline(run_id)) == 2


def test_parallel_aborts_all_succeed_and_leave_one_end(app):
    run_id = make_run("ingesting")
    assert in_parallel(app, *[lambda: transitions.abort(run_id)] * 10) == [None] * 10
    assert len(timeline(run_id)) == 2


def test_after_an_abort_the_worker_can_write_nothing(app):
    run_id = make_run("initializing")
    transitions.abort(run_id)
    ended = row(run_id)
    moves = [
        lambda: transitions.advance(run_id, 3),
        lambda: transitions.finish(run_id),
        lambda: transitions.fail(run_id, "late"),
    ]
    for move in moves:
        with pytest.raises(RunMoved):
            move()
    assert row(run_id) == ended


def test_a_run_of_somebody_else_is_not_there(app, user_id):
    run_id = make_run("pending", make_user("other@example.org"))
    for call in (queries.get, queries.events, transitions.abort):
        with pytest.raises(RunNotFound) as refusal:
            call(run_id, user_id)
        assert refusal.value.detail == f"There is no run {run_id}."
    assert row(run_id).status == "pending"


def test_finish_counts_the_jobs_of_the_run_as_they_stand(app, user_id):
    run_id = make_run("ingesting")
    for number, status in enumerate(["ready"] * 4 + ["skipped"] * 3 + ["expired"] * 2 + ["error"] + ["pending"]):
        sql(
            "INSERT INTO jobs (run_id, user_id, company, external_id, url, status)"
            " VALUES (:run_id, :user_id, 'a', :external_id, 'u', :status)",
            run_id=run_id, user_id=user_id, external_id=str(number), status=status,
        )
    transitions.finish(run_id)
    found = row(run_id)
    assert (found.jobs_ready, found.jobs_skipped, found.jobs_expired, found.jobs_failed) == (4, 3, 2, 1)


def test_the_times_tell_the_life_of_a_run(user_id):
    run_id = start_run(user_id)
    transitions.claim(run_id)
    transitions.advance(run_id, 12)
    transitions.finish(run_id)
    found = row(run_id)
    assert found.created_at <= found.started_at <= found.finished_at
    assert found.total_jobs == 12
    events = queries.events(run_id, user_id)
    assert [(e.seq, e.from_status, e.to_status, e.actor) for e in events] == [
        (1, None, "pending", "user"),
        (2, "pending", "initializing", "worker"),
        (3, "initializing", "ingesting", "worker"),
        (4, "ingesting", "finished", "worker"),
    ]
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert [event.seq for event in queries.events(run_id, user_id, after=2)] == [3, 4]
    assert queries.events(run_id, user_id, after=4) == []


def test_an_error_keeps_its_reason_and_its_actor(app):
    run_id = make_run("ingesting")
    transitions.fail(run_id, "The worker died.", transitions.Actor.RESCUE)
    assert row(run_id).error_message == "The worker died."
    assert timeline(run_id)[-1].actor == "rescue"


def test_pages_go_through_all_runs_once_newest_first(app):
    ids = [make_run("finished") for _ in range(7)]
    user_id = make_user()
    make_run("finished", make_user("other@example.org"))
    seen, before = [], None
    while True:
        page, before = queries.newest(user_id, before=before, limit=3)
        seen += [run.id for run in page]
        if before is None:
            break
    assert seen == ids[::-1]


def test_a_last_page_that_is_full_is_the_last(app):
    ids = [make_run("aborted") for _ in range(3)]
    page, next_before = queries.newest(make_user(), limit=3)
    assert ([run.id for run in page], next_before) == (ids[::-1], None)


def test_pages_can_be_of_one_status(app):
    wanted = make_run("error")
    make_run("finished")
    page, _ = queries.newest(make_user(), status=RunStatus.ERROR)
    assert [run.id for run in page] == [wanted]


def test_connections_cut_by_the_server_are_replaced_without_an_error(app, settings, user_id):
    """As after a restart of PostgreSQL: every pooled connection is dead, and nobody may notice."""
    ours = "FROM pg_stat_activity WHERE application_name = 'job-ingestion'"
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as other:
        for _ in range(3):
            in_parallel(app, *[lambda: queries.current(user_id)] * 4)
            other.execute(f"SELECT pg_terminate_backend(pid) {ours}")
            wait_until(lambda: not other.execute(f"SELECT 1 {ours}").fetchall(), what="their end")
            assert in_parallel(app, *[lambda: queries.current(user_id)] * 4) == [None] * 4


def test_a_database_that_is_away_is_said_so(app, user_id):
    """A lock held by somebody else stands for a database that does not answer in time."""
    run_id = make_run("pending")
    with open_transaction(f"SELECT * FROM ingestion_runs WHERE id = {run_id} FOR UPDATE"):
        with pytest.raises(DatabaseUnavailable, match="away"):
            transitions.abort(run_id)
    assert row(run_id).status == "pending"
