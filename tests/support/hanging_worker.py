"""A worker with two ways to block its event loop. Only a worker loads this module."""

import os
import time
from threading import Event
from typing import Any

from celery.signals import worker_ready
from celery.worker.control import control_command

from app.worker.heartbeat import HEARTBEAT_INTERVAL
from celery_worker import celery
from tests.support.workers import HANG_AT_START, HANG_MESSAGE

__all__ = ["celery"]


@control_command()
def hang(state: Any) -> None:
    """Block the loop for ever: the loop executes control commands."""
    Event().wait()


@worker_ready.connect
def _hang_at_start(**_: Any) -> None:
    """Block the loop before its first iteration. Print HANG_MESSAGE after two heartbeat intervals.

    A worker that sends heartbeats from outside the loop has sent one by then.
    """
    if HANG_AT_START in os.environ:
        time.sleep(2 * HEARTBEAT_INTERVAL)
        print(HANG_MESSAGE, flush=True)
        Event().wait()
