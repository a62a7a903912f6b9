"""A worker gives signs of life while it takes messages, and only then."""

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
    """Starts a worker whose loop can be held up."""
    return partial(running_worker, settings, log, HANGING_WORKER)


def test_a_worker_whose_loop_hangs_counts_as_away(started, app):
    with started():
        wait_until(is_here, what="a sign of life")
        app.extensions["celery"].control.broadcast("hang")
        wait_until(is_away, what="its absence")


def test_a_worker_whose_loop_has_not_turned_yet_gives_no_sign(started, log):
    with started(**{HANG_AT_START: "1"}):
        wait_until(lambda: HANG_MESSAGE in log.read_text(), what="the loop's start")
        assert sql("SELECT * FROM heartbeats") == []


def test_a_worker_that_takes_no_more_messages_but_waits_for_a_child_counts_as_away(started):
    with started() as worker:
        wait_until(is_here, what="a sign of life")
        for child in worker.children():
            child.suspend()
        worker.terminate()
        wait_until(is_away, what="its absence")
        assert worker.is_running()


def is_here():
    return Component.WORKER in heartbeats.heartbeat_ages()


def is_away():
    return heartbeats.heartbeat_ages()[Component.WORKER].total_seconds() > heartbeats.MAX_AGE_SECONDS[Component.WORKER]
