"""The queues: who sends to which, and who consumes from which."""

import os
import subprocess
import sys

import pytest

from app.config.settings import BOARD_THREADS, CONNECTIONS_PER_TASK, PROJECT
from app.models import Component
from app.services.health import heartbeats
from app.worker import queues
from tests.support.boards import job
from tests.support.factories import row
from tests.support.outbox import BOARDS_QUEUE, PREVIEWS_QUEUE, QUEUE
from tests.support.previews import company, preview
from tests.support.waiting import WAIT_TIMEOUT, wait_until
from tests.support.workers import (
    running_component,
    running_ingestion,
    running_previewer,
    running_reader,
    running_worker,
)

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


@pytest.mark.parametrize(("chosen", "consumed"), [("ingestion", QUEUE), ("previews", PREVIEWS_QUEUE)])
def test_messages_of_other_queues_are_left_to_their_own_program(app, broker, started, chosen, consumed):
    for task in TASKS:
        app.extensions["celery"].send_task(task, (1,), ignore_result=True)
    with started("-Q", chosen):
        wait_until(lambda: not broker.llen(consumed), what="the receipt")
        assert {queue for queue in TASKS.values() if broker.llen(queue)} == {*TASKS.values()} - {consumed}


def test_messages_for_boards_wait_for_a_reader(app, broker, started):
    app.extensions["celery"].send_task("boards.read", (1,), ignore_result=True)
    with started("-Q", "ingestion,previews"):
        wait_until(heartbeats.heartbeat_ages, what="a heartbeat")
        assert broker.llen(BOARDS_QUEUE) == 1
    with started("-Q", "boards"):
        wait_until(lambda: not broker.llen(BOARDS_QUEUE), what="the reader's receipt")


@pytest.mark.parametrize(
    ("consumed", "found"),
    [
        (("ingestion", "previews", "boards"), [Component.WORKER, Component.PREVIEWER, Component.READER]),
        (("boards",), [Component.READER]),
        (("ingestion", "previews"), [Component.WORKER, Component.PREVIEWER]),
        (("ingestion",), [Component.WORKER]),
        (("previews",), [Component.PREVIEWER]),
    ],
)
def test_components_follow_the_queues_of_a_worker(consumed, found):
    assert queues.components(consumed) == found


def test_worker_without_chosen_queues_is_all_components(started):
    with started():
        wait_until(lambda: heartbeats.heartbeat_ages().keys() == queues.COMPONENTS.keys(), what="all heartbeats")


@pytest.mark.parametrize("component", queues.COMPONENTS)
def test_worker_of_one_queue_is_one_component(settings, app, broker, tmp_path, component):
    with running_component(settings, tmp_path, component):
        wait_until(heartbeats.heartbeat_ages, what="a heartbeat")
        assert heartbeats.heartbeat_ages().keys() == {component}


def test_preview_needs_no_worker_of_runs(settings, client, broker, boards, user_id, tmp_path):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    run_id = client.post("/api/ingestion/start").json["run_id"]
    preview_id = client.post("/api/ingestion/dry-run").json["preview_id"]
    with running_previewer(settings, tmp_path), running_reader(settings, tmp_path):
        wait_until(lambda: preview(preview_id).finished_at, what="the preview's end")
        assert broker.llen(QUEUE) == 1
    with running_ingestion(settings, tmp_path, INGESTION="noop"):
        wait_until(lambda: not broker.llen(QUEUE), what="the receipt")
    assert row(run_id).status == "pending"


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
        (("ingestion",), CONNECTIONS_PER_TASK),
        (("previews",), CONNECTIONS_PER_TASK),
        (("ingestion", "previews"), CONNECTIONS_PER_TASK),
        (("boards",), BOARD_THREADS + 1),
        (("ingestion", "previews", "boards"), BOARD_THREADS + 1),
    ],
)
def test_connections_of_a_process_follow_its_queues(consumed, connections):
    assert queues.connections_per_process(consumed) == connections
