"""A worker's sign of life: only while its event loop turns, which it does not while it waits for the broker."""

import time
from threading import Event, Thread
from typing import Any

import structlog
from celery import bootsteps

from app.errors import DatabaseUnavailable
from app.models import Component
from app.services import heartbeats

log = structlog.get_logger(__name__)

BEAT_SECONDS = 2.0
TURN_SECONDS = 1.0
STUCK_SECONDS = 3.0
"""A loop that has not turned for this long is stuck, and its worker says nothing."""


class HeartbeatStep(bootsteps.StartStopStep):
    """Started anew with each connection to the broker, because a lost connection clears the loop's timers.

    The loop only notes that it turns; a thread of its own writes to PostgreSQL, so a slow database stalls no loop.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.turned_at = 0.0
        self.stopped = Event()
        self.thread: Thread | None = None

    def start(self, parent: Any) -> None:
        """Note the loop's turns, and begin to tell."""
        self._turn()
        parent.timer.call_repeatedly(TURN_SECONDS, self._turn)
        if self.thread is None:
            self.thread = Thread(target=self._tell, args=(parent.app.flask_app, parent.hostname), daemon=True)
            self.thread.start()

    def shutdown(self, parent: Any) -> None:
        """End with the worker."""
        self.stopped.set()

    def _turn(self) -> None:
        self.turned_at = time.monotonic()

    def _tell(self, flask_app: Any, hostname: str) -> None:
        while not self.stopped.is_set():
            if time.monotonic() - self.turned_at < STUCK_SECONDS:
                try:
                    with flask_app.app_context():
                        heartbeats.beat(Component.WORKER, hostname)
                except DatabaseUnavailable as error:
                    log.warning("heartbeat not written", reason=error.reason)
                except Exception:
                    # Whatever it is, the worker lives, and the next beat may succeed.
                    log.exception("heartbeat not written")
            self.stopped.wait(BEAT_SECONDS)
