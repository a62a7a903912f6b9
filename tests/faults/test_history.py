"""The oracle itself: silent on what really happens, and each of its rules fires on a history that breaks it."""

from collections.abc import Iterator

import psycopg
import pytest

from app.checks import connect_arguments
from app.services import dispatches, runs
from tests.faults.history import ClientLog, History, now, violations
from tests.support.factories import make_user


@pytest.fixture
def connection(app, settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as connection:
        yield connection


def test_what_the_services_do_is_sound(app, connection):
    log = ClientLog(complete=True)
    user_id = make_user()
    for end in (runs.abort, runs.finish, lambda run_id: runs.fail(run_id, "The board vanished.")):
        began = now()
        run_id = runs.start(user_id)
        log.note("started", user_id, began, run_id)
        dispatches.stamp(run_id)
        runs.claim(run_id)
        runs.advance(run_id, 3)
        end(run_id)
        began = now()
        log.note("seen", user_id, began, run_id, runs.get(run_id).status)
        began = now()
        runs.current(user_id)
        log.note("seen", user_id, began)
    assert violations(History.read(connection, log), bound_seconds=60) == []
