"""Statements that are put into words once say, and are answered, what SQLAlchemy would say and be answered."""

import re

import psycopg
import pytest
from sqlalchemy import BigInteger, Boolean, LargeBinary, String, bindparam, cast, func, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.errors import DatabaseUnavailable
from app.extensions import db
from app.models import RunStatus
from app.services import credentials, runs
from app.services.database import run_statement
from app.services.runs import RUNS
from app.services.traces import Actor, trace
from app.services.wording import Wording, worded
from tests.support.factories import make_run, make_user

GIVEN = {
    "a number": (bindparam("given", type_=BigInteger), 2**40),
    "a text": (bindparam("given", type_=String), "50 % of it's \\ %s"),
    "no text": (bindparam("given", type_=String), None),
    "bytes": (bindparam("given", type_=LargeBinary), b"\x00'%\xff"),
    "a truth": (bindparam("given", type_=Boolean), True),
    "a list as JSON": (bindparam("given", type_=JSONB), []),
    "an object as JSON": (bindparam("given", type_=JSONB), {"a": ["%(b)s", None]}),
    "a status": (bindparam("given", type_=RUNS.c.status.type), RunStatus.INGESTING),
}
OWN = [5, -5, b"a\\b%s\xff'", "it's 50 % of \\ %(given)s", True, False, RunStatus.ABORTED]


def both(statement, **values):
    """What SQLAlchemy is answered, and what we are."""
    with db.engine.connect() as connection:
        theirs = connection.execute(statement, values).fetchall()
    return [tuple(row) for row in theirs], [tuple(row) for row in run_statement(statement, **values)]


@pytest.mark.parametrize("kind", GIVEN)
def test_a_parameter_of_every_type_goes_and_comes_back_as_it_was(app, kind):
    parameter, value = GIVEN[kind]
    theirs, ours = both(select(cast(parameter, parameter.type).label("back")), given=value)
    assert theirs == ours == [(value,)]
    assert type(ours[0][0]) is type(value)


@pytest.mark.parametrize("value", OWN)
def test_a_value_of_the_statements_own_needs_not_be_given(app, value):
    kind = RUNS.c.status.type if isinstance(value, RunStatus) else None
    own = literal(value, kind)
    statement = select(own.label("own"), bindparam("given", type_=BigInteger).label("given"))
    is_written = not isinstance(value, bytes)
    assert len(re.findall(r"(?<!%)%\(", Wording(statement).text)) == 1 + (not is_written)
    theirs, ours = both(statement, given=1)
    assert theirs == ours == [(value, 1)]


def test_what_is_asked_with_a_statement_is_forgotten_with_the_answer(app):
    """Wordings are shared by all threads: what one of them asks is nobody else's."""
    wording = Wording(select(bindparam("given", type_=BigInteger).label("given"), literal(b"own").label("own")))
    connection = db.engine.raw_connection()
    assert wording.ask(connection.driver_connection, {"given": 1}) == [(1, b"own")]
    with pytest.raises(psycopg.ProgrammingError, match="given"):
        wording.ask(connection.driver_connection, {})
    connection.close()


def test_who_acts_is_forgotten_with_the_statement_that_said_so(app):
    connection = db.engine.raw_connection()
    driver = connection.driver_connection
    values = {"run_id": make_run("pending"), "owner": None, **trace(Actor.USER)}
    assert worded(runs.ABORT.statement).ask(driver, values)
    assert driver.execute("SELECT coalesce(current_setting('job_ingestion.actor', true), '')").fetchall() == [("",)]
    connection.close()


def test_what_a_statement_says_as_json_is_no_array(app):
    own = func.jsonb_typeof(literal([], JSONB))
    assert run_statement(select(own.label("kind"), bindparam("given", type_=BigInteger)), given=1)[0].kind == "array"


def test_the_hot_statements_hand_over_nothing_but_what_they_are_asked(app):
    assert Wording(runs.ABORT.statement).text.count("::VARCHAR, %(") == 2
    texts = [Wording(each).text for each in (runs.CURRENT, runs.START, runs.ABORT.statement, credentials.SHOWN)]
    assert {name for text in texts for name in re.findall(r"%\((\w+)\)s", text)} == {
        "owner", "preview_id", "key", "fingerprint", "actor", "request_id", "run_id", "hash", "of_kind"
    }


def test_rows_have_the_names_and_types_of_their_columns(app, user_id):
    run_id = make_run("ingesting", user_id)
    row = runs.get(run_id, user_id)
    assert (row.id, row.status, row.server_time.tzinfo is not None) == (run_id, RunStatus.INGESTING, True)
    assert isinstance(row.status, RunStatus)


def test_a_statement_of_no_rows_returns_none(app, user_id):
    run_id = make_run("pending", user_id)
    changed = RUNS.update().where(RUNS.c.id == bindparam("run")).values(dispatch_count=7)
    assert not run_statement(changed, run=run_id)
    assert runs.get(run_id).dispatch_count == 7


def test_errors_are_sqlalchemys_and_carry_the_drivers(app, user_id):
    make_run("pending", user_id)
    with pytest.raises(IntegrityError) as refusal:
        run_statement(insert(RUNS).values(user_id=bindparam("owner")), owner=user_id)
    assert refusal.value.orig.diag.constraint_name == "uq_ingestion_runs_one_active_per_user"
    with pytest.raises(ProgrammingError):
        run_statement(select(func.no_such_function(bindparam("given", type_=BigInteger))), given=1)
    with pytest.raises(DatabaseUnavailable, match="away"):
        run_statement(select(func.pg_sleep(bindparam("given", type_=BigInteger))), given=30)


def test_a_statement_whose_number_of_parameters_is_not_known_has_no_wording():
    with pytest.raises(TypeError, match="how many"):
        Wording(select(RUNS.c.id).where(RUNS.c.id.in_(bindparam("ids", expanding=True))))


def test_the_same_statement_serves_everybody(app):
    mine, yours = make_user("mine@example.org"), make_user("yours@example.org")
    first, second = make_run("pending", mine), make_run("pending", yours)
    assert [runs.current(mine), runs.current(yours), runs.current(mine)] == [first, second, first]
