"""The worker, with two ways to hold up its event loop. Only a worker loads this module."""

import os
import time
from threading import Event
from typing import Any

from celery.signals import worker_ready
from celery.worker.control import control_command

from app.worker.heartbeat import HEARTBEAT_INTERVAL
from celery_worker import celery
from tests.support.workers import HANGS, HANGS_AT_ONCE

__all__ = ["celery"]


@control_command()
def hang(state: Any) -> None:
    """Hold up the loop for ever; commands are carried out by it."""
    Event().wait()


@worker_ready.connect
def _hang_at_once(**_: Any) -> None:
    """Hold up the loop before its first turn, and report it when a worker that beats all the same would have."""
    if HANGS_AT_ONCE in os.environ:
        time.sleep(2 * HEARTBEAT_INTERVAL)
        print(HANGS, flush=True)
        Event().wait()
