"""A Celery worker for one test or module."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from app.config.settings import PROJECT, Settings
from tests.support.waiting import WAIT_TIMEOUT

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

    Without ``-Q`` among the options it consumes from all queues.
    """
    quiet = ["--without-mingle", "--without-gossip"]
    with log.open("w") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "celery", "-A", application, "worker", *quiet, *options],
            cwd=PROJECT,
            env={**os.environ, "DATA_DIR": str(settings.data_dir), "WORKER_CONCURRENCY": "1", **environment},
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
