"""Deadlocks are found in the log that PostgreSQL writes."""

import psycopg
import pytest

from app.embedded.data_dir import short_path
from app.embedded.postgres import postgres_home
from tests.faults.postgres_log import deadlocks
from tests.support.audits import connected
from tests.support.parallel import in_parallel

LOCK = "SELECT pg_advisory_xact_lock(%s)"


def deadlock(app) -> None:
    """Let two transactions wait for each other."""
    with connected() as one, connected() as other, one.transaction(), other.transaction():
        one.execute(LOCK, (1,))
        other.execute(LOCK, (2,))
        in_parallel(app, lambda: one.execute(LOCK, (2,)), lambda: other.execute(LOCK, (1,)))


def test_deadlock_is_found_in_the_log_of_postgresql(app, settings):
    log = postgres_home(short_path(settings.data_dir)) / "command.log"
    before = deadlocks(log.read_text())
    with pytest.raises(psycopg.errors.DeadlockDetected):
        deadlock(app)
    [found] = deadlocks(log.read_text())[len(before):]
    assert found.startswith("logged: 20") and "[postgres " in found


def test_output_without_a_deadlock_has_none():
    assert deadlocks('2026-01-01 [postgres 7] ERROR:  canceling statement\n{"event": "board read"}\n') == []
