"""A worker's sign of life, given only while the event loop that takes its messages turns."""

import time
from threading import Event, Thread
from typing import Any

import structlog
from celery import bootsteps

from app.errors import DatabaseUnavailable
from app.models import Component
from app.services.health import heartbeats

log = structlog.get_logger(__name__)

HEARTBEAT_INTERVAL = 2.0
LOOP_CHECK_INTERVAL = 0.5


class HeartbeatStep(bootsteps.StartStopStep):
    """Started and stopped with each connection to the broker.

    The loop only notes that it turns. A thread of its own writes to PostgreSQL, so a slow database stalls no loop.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.turned = Event()
        self.timer: Any = None
        self.thread: Thread | None = None

    def start(self, parent: Any) -> None:
        """Note the loop's turns from now on.

        A timer alone is no sign of a loop: while the worker stops, Celery fires the timers from another thread. What
        they hand to call_soon is called by the loop.
        """
        self.timer = parent.timer.call_repeatedly(LOOP_CHECK_INTERVAL, parent.call_soon, (self.turned.set,))
        if self.thread is None:
            self.thread = Thread(target=self._beat, args=(parent.app.flask_app, parent.hostname), daemon=True)
            self.thread.start()

    def stop(self, parent: Any) -> None:
        """Note no more turns; the next connection begins anew."""
        if self.timer:
            self.timer.cancel()

    def _beat(self, flask_app: Any, hostname: str) -> None:
        """Write a heartbeat for each BEAT_SECONDS in which the loop has turned."""
        while self.turned.wait():
            self.turned.clear()
            try:
                with flask_app.app_context():
                    heartbeats.beat(Component.WORKER, hostname)
            except DatabaseUnavailable as error:
                log.warning("heartbeat not written", reason=error.reason)
            except Exception:
                # Whatever it is, the worker lives, and the next beat may succeed.
                log.exception("heartbeat not written")
            time.sleep(HEARTBEAT_INTERVAL)
