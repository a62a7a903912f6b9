"""Celery workers for one test or module."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil

from app.config.settings import PROJECT, Settings
from app.models import Component
from app.worker.queues import COMPONENTS
from tests.support.waiting import WAIT_TIMEOUT

PLACEHOLDER = {"INGESTION": "noop"}
"""The environment in which a worker only logs the id of a run, which stays pending. Tests of real runs change it."""

HANGING_WORKER = "tests.support.hanging_worker"

HANG_AT_START = "HANG_AT_START"
"""The environment variable that makes a hanging worker block its loop from the start."""

HANG_MESSAGE = "The loop hangs."
"""The line that a worker with HANG_AT_START prints before it blocks."""


@contextmanager
def running_worker(
    settings: Settings, log: Path, application: str = "celery_worker", options: Sequence[str] = (), **environment: str
) -> Iterator[psutil.Popen]:
    """Run a worker with one child during the block, with its output in ``log``. Kill both at the end.

    Without ``-Q`` among the options it consumes from all queues. Without ``INGESTION=run`` runs stay pending.
    """
    ours = {"DATA_DIR": str(settings.data_dir), "WORKER_CONCURRENCY": "1"}
    quiet = ["--without-mingle", "--without-gossip"]
    with log.open("w") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "celery", "-A", application, "worker", *quiet, *options],
            cwd=PROJECT,
            env={**os.environ, **ours, **PLACEHOLDER, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            for left in [process, *process.children()]:
                left.kill()
        process.wait(WAIT_TIMEOUT)


def running_component(
    settings: Settings, folder: Path, component: Component, **environment: str
) -> AbstractContextManager[psutil.Popen]:
    """Run a worker of the queue of one component during a block, as ``make run`` does. Its log is in the folder."""
    options = ["-Q", COMPONENTS[component], "-n", f"{component}@%h"]
    return running_worker(settings, folder / f"{component}.log", options=options, **environment)


running_previewer = partial(running_component, component=Component.PREVIEWER)
"""Run a worker of previews alone during a block."""

running_reader = partial(running_component, component=Component.READER)
"""Run a worker that reads boards alone during a block. It keeps the pace of their systems."""

running_ingestion = partial(running_component, component=Component.WORKER, INGESTION="run")
"""Run a worker that carries out runs during a block. Their boards need a reader."""
