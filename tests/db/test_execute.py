"""Execution: one statement is one transaction, sent once, with the errors and plans that services rely on."""

from contextlib import ExitStack

import pytest
from psycopg.errors import QueryCanceled
from sqlalchemy import BigInteger, bindparam, func, insert, select, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from app.db.engine import RESPONSE_TIMEOUT
from app.db.execute import MIGRATIONS_BEHIND, POOL_EXHAUSTED, run_long_statement, run_statement
from app.errors import DatabaseUnavailable
from app.extensions import db
from app.models import RunStatus
from app.services.runs import queries, transitions
from app.services.runs.audit_context import Actor, audit_context
from app.services.runs.transitions import RUNS
from tests.support.factories import make_run, open_transaction, row

ACTIVE_INDEX = "uq_ingestion_runs_one_active_per_user"
BACKEND = select(func.pg_backend_pid().label("pid"), func.current_setting("job_ingestion.actor", True).label("actor"))


def test_audit_context_ends_with_its_statement(app):
    run_id = make_run("pending")
    before = run_statement(BACKEND)[0]
    assert run_statement(transitions.ABORT.statement, moving=run_id, owner=None, **audit_context(Actor.USER))
    after = run_statement(BACKEND)[0]
    assert (after.pid, after.actor or "") == (before.pid, "")


def test_rows_have_the_names_and_types_of_their_columns(app, user_id):
    run_id = make_run("ingesting", user_id)
    run = queries.get(run_id, user_id)
    assert (run.id, run.status, run.server_time.tzinfo is not None) == (run_id, RunStatus.INGESTING, True)
    assert isinstance(run.status, RunStatus)


def test_statement_without_rows_returns_an_empty_list(app, user_id):
    run_id = make_run("pending", user_id)
    changed = RUNS.update().where(RUNS.c.id == bindparam("run")).values(dispatch_count=7)
    assert run_statement(changed, run=run_id) == []
    assert queries.get(run_id).dispatch_count == 7


def test_errors_are_sqlalchemys_and_carry_the_drivers_error(app, user_id):
    make_run("pending", user_id)
    with pytest.raises(IntegrityError) as refusal:
        run_statement(insert(RUNS).values(user_id=bindparam("owner")), owner=user_id)
    assert refusal.value.orig.diag.constraint_name == ACTIVE_INDEX
    with pytest.raises(ProgrammingError):
        run_statement(select(func.no_such_function(bindparam("number", type_=BigInteger))), number=1)


@pytest.mark.parametrize("missing", ["no_such_table", "ingestion_runs WHERE no_such_column"])
def test_missing_tables_and_columns_mean_unavailable(app, missing):
    with pytest.raises(DatabaseUnavailable) as fault:
        run_statement(text(f"SELECT FROM {missing}"))
    assert fault.value.reason == MIGRATIONS_BEHIND


def test_exhausted_pool_means_unavailable(app, user_id):
    with ExitStack() as connections:
        for _ in range(db.engine.pool.size()):
            connections.enter_context(db.engine.connect())
        with pytest.raises(DatabaseUnavailable) as fault:
            queries.current(user_id)
    assert fault.value.reason == POOL_EXHAUSTED
    assert queries.current(user_id) is None


def test_constant_statement_is_prepared_once(app, user_id):
    """The driver prepares a statement by its text, and the text of a constant never changes."""
    db.engine.dispose()
    for _ in range(10):
        queries.current(user_id)
    prepared = run_statement(text("SELECT statement FROM pg_prepared_statements"))
    assert [each.statement for each in prepared if "ingestion_runs" in each.statement] == [_text(queries.CURRENT)]


def test_generic_plan_uses_the_partial_index_of_active_runs(app):
    with db.engine.connect() as connection:
        connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
        connection.exec_driver_sql("SET enable_seqscan = off")
        connection.exec_driver_sql(f"PREPARE current_run(bigint) AS {_text(queries.CURRENT)}")
        plan = connection.exec_driver_sql("EXPLAIN EXECUTE current_run(1)").scalars().all()
        connection.invalidate()
    assert any(ACTIVE_INDEX in line for line in plan)


def test_lock_timeout_means_unavailable(app, user_id):
    """A lock of another transaction stands for a database that does not answer in time."""
    run_id = make_run("pending")
    with open_transaction(f"SELECT * FROM ingestion_runs WHERE id = {run_id} FOR UPDATE"):
        with pytest.raises(DatabaseUnavailable) as fault:
            transitions.abort(run_id)
    assert "lock timeout" in fault.value.reason
    assert row(run_id).status == "pending"


def test_statement_timeout_means_unavailable(app):
    with pytest.raises(DatabaseUnavailable) as refusal:
        run_statement(text("SELECT pg_sleep(5.2)"))
    assert isinstance(refusal.value.__cause__.orig, QueryCanceled)


def test_long_statement_may_take_longer_and_leaves_no_trace(app):
    settings = text("SELECT pg_backend_pid() AS pid, current_setting('statement_timeout') AS timeout")
    before = run_statement(settings)[0]
    [during] = run_long_statement(text("SELECT pg_backend_pid() AS pid, current_setting('statement_timeout') AS timeout"
                                       " FROM pg_sleep(7.2)"))
    assert (before.pid, before.timeout) == (during.pid, "5s")
    assert during.timeout == "1min"
    assert run_statement(settings)[0] == before
    with db.engine.connect() as connection:
        assert connection.connection.driver_connection.response_timeout == RESPONSE_TIMEOUT


@pytest.mark.parametrize("fault", ["SELECT 1 / 0", "SELECT pg_terminate_backend(pg_backend_pid())"])
def test_long_statement_that_fails_leaves_no_long_timeout(app, fault):
    with pytest.raises((DataError, DatabaseUnavailable)):
        run_long_statement(text(fault))
    assert run_statement(text("SELECT current_setting('statement_timeout') AS timeout"))[0].timeout == "5s"


def test_long_statement_uses_a_slot_of_the_pool(app):
    with ExitStack() as connections:
        for _ in range(db.engine.pool.size()):
            connections.enter_context(db.engine.connect())
        with pytest.raises(DatabaseUnavailable) as fault:
            run_long_statement(text("SELECT 1"))
    assert fault.value.reason == POOL_EXHAUSTED


def _text(statement) -> str:
    """Return the statement's text as PostgreSQL receives it, with its one parameter."""
    return str(statement.compile(db.engine)).replace("%(owner)s", "$1")
