"""The queues: who sends to which, and who consumes from which."""

import os
import subprocess
import sys

import pytest

from app.config.settings import BOARD_THREADS, CONNECTIONS_PER_TASK, PROJECT
from app.models import Component
from app.services.health import heartbeats
from app.worker import queues
from tests.support.outbox import BOARDS_QUEUE, PREVIEWS_QUEUE, QUEUE
from tests.support.waiting import WAIT_TIMEOUT, wait_until
from tests.support.workers import running_worker

TASKS = {"ingestion.run": QUEUE, "preview.run": PREVIEWS_QUEUE, "boards.read": BOARDS_QUEUE}


@pytest.fixture
def started(settings, app, broker, tmp_path):
    """Return a function that starts a worker with these options."""
    return lambda *options: running_worker(settings, tmp_path / "worker.log", options=options)


@pytest.mark.parametrize("task", TASKS)
def test_messages_wait_in_the_queue_of_their_task(app, broker, task):
    app.extensions["celery"].send_task(task, (1,), ignore_result=True)
    assert [queue for queue in TASKS.values() if broker.llen(queue)] == [TASKS[task]]


def test_tasks_of_the_product_are_those_with_a_known_queue(app):
    celery = app.extensions["celery"]
    celery.loader.import_default_modules()
    ours = {name for name in celery.tasks if not name.startswith("celery.")}
    assert ours == TASKS.keys()


def test_messages_for_boards_are_left_to_the_reader(app, broker, started):
    celery = app.extensions["celery"]
    with started("-Q", "ingestion,previews"):
        for task in TASKS:
            celery.send_task(task, (1,), ignore_result=True)
        wait_until(lambda: not broker.llen(QUEUE) + broker.llen(PREVIEWS_QUEUE), what="the other messages' receipt")
        assert broker.llen(BOARDS_QUEUE) == 1
    with started("-Q", "boards"):
        wait_until(lambda: not broker.llen(BOARDS_QUEUE), what="the reader's receipt")


@pytest.mark.parametrize(
    ("consumed", "found"),
    [
        (("ingestion", "previews", "boards"), [Component.WORKER, Component.READER]),
        (("boards",), [Component.READER]),
        (("ingestion", "previews"), [Component.WORKER]),
        (("previews",), [Component.WORKER]),
    ],
)
def test_components_follow_the_queues_of_a_worker(consumed, found):
    assert queues.components(consumed) == found


def test_worker_without_chosen_queues_is_worker_and_reader(started):
    with started():
        wait_until(lambda: heartbeats.heartbeat_ages().keys() == {Component.WORKER, Component.READER}, what="both")


def test_worker_of_boards_alone_is_a_reader(started):
    with started("-Q", "boards"):
        wait_until(heartbeats.heartbeat_ages, what="a heartbeat")
        assert heartbeats.heartbeat_ages().keys() == {Component.READER}


def test_queue_that_does_not_exist_is_refused(settings, app):
    command = [sys.executable, "-m", "celery", "-A", "celery_worker", "worker", "-Q", "board"]
    environment = {**os.environ, "DATA_DIR": str(settings.data_dir)}
    ended = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=WAIT_TIMEOUT
    )
    assert ended.returncode != 0
    assert "'board'" in ended.stderr


@pytest.mark.parametrize(
    ("consumed", "connections"),
    [
        (("ingestion", "previews"), CONNECTIONS_PER_TASK),
        (("boards",), BOARD_THREADS + 1),
        (("ingestion", "previews", "boards"), BOARD_THREADS + 1),
    ],
)
def test_connections_of_a_process_follow_its_queues(consumed, connections):
    assert queues.connections_per_process(consumed) == connections
