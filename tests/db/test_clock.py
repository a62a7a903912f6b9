"""The clock: PostgreSQL inlines it, reads it for every row, and follows a shift of it at once."""

import psycopg
import pytest
from sqlalchemy import BigInteger, bindparam, func, select

from app.config.validators import connect_arguments
from app.db.clock import NOW, seconds_from_now
from app.db.execute import run_statement
from app.extensions import db
from tests.support.clock import shifted_clock
from tests.support.factories import sql

DAY = 24 * 3600
PREPARED_AFTER = 5
"""Executions after which psycopg prepares a statement; PostgreSQL keeps a generic plan after as many more."""


def plan(statement: str) -> str:
    return "\n".join(line[0] for line in sql(f"EXPLAIN (VERBOSE) {statement}"))


def test_clock_is_inlined(app):
    assert "Output: clock_timestamp()" in plan("SELECT clock_now() FROM generate_series(1, 3)")
    assert "clock_now" not in plan("SELECT * FROM users WHERE created_at < clock_now()")


def test_clock_is_read_for_each_column_and_row(app):
    first, _, second = run_statement(select(NOW, func.pg_sleep(0.001), NOW))[0]
    assert first < second
    assert sql("SELECT count(DISTINCT at) > 1 FROM (SELECT clock_now() AS at FROM generate_series(1, 100000)) n")[0][0]


def test_clock_in_a_subquery_is_one_value_that_an_index_is_searched_for(app):
    sql("CREATE TABLE clocked AS SELECT clock_now() + n * interval '1 s' AS at FROM generate_series(1, 5000) n")
    try:
        sql("CREATE INDEX clocked_at ON clocked (at)")
        sql("ANALYZE clocked")
        assert "Index Cond: (clocked.at <= " in plan("SELECT * FROM clocked WHERE at <= (SELECT clock_now())")
        assert "Index Cond" not in plan("SELECT * FROM clocked WHERE at <= clock_now()")
    finally:
        sql("DROP TABLE clocked")


@pytest.mark.parametrize("seconds", [DAY, -DAY, 0.5])
def test_shift_moves_the_clock_until_the_block_ends(app, seconds):
    with shifted_clock(seconds):
        before = sql("SELECT clock_timestamp() + make_interval(secs => :seconds)", seconds=seconds)[0][0]
        now = sql("SELECT clock_now()")[0][0]
        assert before <= now <= sql("SELECT clock_timestamp() + make_interval(secs => :s)", s=seconds)[0][0]
        [[from_now, product]] = run_statement(select(seconds_from_now(60), NOW))
        assert before < product < from_now
    assert sql("SELECT clock_timestamp() <= clock_now()")[0][0]


def test_shift_reaches_statements_that_are_prepared_already(app):
    statement = select(NOW.label("at")).where(bindparam("n", type_=BigInteger) > 0)
    with db.engine.connect() as connection:
        for _ in range(3 * PREPARED_AFTER):
            before = connection.execute(statement, {"n": 1}).scalar_one()
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one() > 0
        with shifted_clock(DAY):
            shifted = connection.execute(statement, {"n": 1}).scalar_one()
        after = connection.execute(statement, {"n": 1}).scalar_one()
    assert (shifted - before).total_seconds() >= DAY
    assert before < after < shifted


def test_shift_works_through_a_connection_of_a_drill(app, settings):
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as connection:
        with shifted_clock(DAY, connection.execute):
            assert sql("SELECT clock_now() - clock_timestamp() > interval '23 h'")[0][0]
    assert sql("SELECT clock_now() - clock_timestamp() < interval '23 h'")[0][0]
