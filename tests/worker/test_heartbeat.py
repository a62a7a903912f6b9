"""The heartbeat of a worker: written only while the worker can receive messages."""

from functools import partial

import pytest

from app.models import Component
from app.services.health import heartbeats
from tests.support.factories import sql
from tests.support.waiting import wait_until
from tests.support.workers import HANG_AT_START, HANG_MESSAGE, HANGING_WORKER, running_worker


@pytest.fixture
def log(tmp_path):
    return tmp_path / "worker.log"


@pytest.fixture
def started(settings, app, broker, log):
    """Return a function that starts a worker whose loop can be blocked."""
    return partial(running_worker, settings, log, HANGING_WORKER)


def test_heartbeat_stops_when_the_loop_hangs(started, app):
    with started():
        wait_until(is_alive, what="a heartbeat")
        app.extensions["celery"].control.broadcast("hang")
        wait_until(is_silent, what="its silence")


def test_heartbeat_is_not_written_before_the_loop_runs(started, log):
    with started(**{HANG_AT_START: "1"}):
        wait_until(lambda: HANG_MESSAGE in log.read_text(), what="the loop's start")
        assert sql("SELECT * FROM heartbeats") == []


def test_heartbeat_stops_while_a_stopping_worker_waits_for_a_child(started):
    with started() as worker:
        wait_until(is_alive, what="a heartbeat")
        for child in worker.children():
            child.suspend()
        worker.terminate()
        wait_until(is_silent, what="its silence")
        assert worker.is_running()


def is_alive():
    return Component.WORKER in heartbeats.heartbeat_ages()


def is_silent():
    return heartbeats.heartbeat_ages()[Component.WORKER].total_seconds() > heartbeats.MAX_AGE_SECONDS[Component.WORKER]
