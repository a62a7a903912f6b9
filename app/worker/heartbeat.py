"""The heartbeat of a Celery worker, written only while the event loop that receives its messages runs."""

import time
from threading import Event, Thread
from typing import Any

import structlog
from celery import bootsteps

from app.errors import DatabaseUnavailable
from app.services.health import heartbeats
from app.worker import queues

log = structlog.get_logger(__name__)

HEARTBEAT_INTERVAL = 2.0
"""Seconds between two heartbeats."""

LOOP_CHECK_INTERVAL = 0.5
"""Seconds between two signs that the loop runs."""


class HeartbeatStep(bootsteps.StartStopStep):
    """A step of Celery's consumer, started and stopped with each connection to the broker.

    The loop only sets an event. A separate thread writes to PostgreSQL, so a slow database does not block the loop.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.loop_ran = Event()
        self.timer: Any = None
        self.thread: Thread | None = None

    def start(self, parent: Any) -> None:
        """Let the loop set the event every LOOP_CHECK_INTERVAL; start the writing thread.

        The timer itself proves nothing: while the worker stops, Celery fires timers from another thread. Functions
        passed to ``call_soon`` are called by the loop.
        """
        self.timer = parent.timer.call_repeatedly(LOOP_CHECK_INTERVAL, parent.call_soon, (self.loop_ran.set,))
        if self.thread is None:
            arguments = (parent.app, parent.hostname)
            self.thread = Thread(target=self._write_heartbeats, args=arguments, daemon=True)
            self.thread.start()

    def stop(self, parent: Any) -> None:
        """Stop setting the event until the next connection."""
        if self.timer:
            self.timer.cancel()

    def _write_heartbeats(self, celery: Any, hostname: str) -> None:
        """Write a heartbeat every HEARTBEAT_INTERVAL in which the loop has run."""
        while self.loop_ran.wait():
            self.loop_ran.clear()
            try:
                with celery.flask_app.app_context():
                    for component in queues.components(celery.amqp.queues.consume_from):
                        heartbeats.beat(component, hostname)
            except DatabaseUnavailable as error:
                log.warning("heartbeat not written", reason=error.reason)
            except Exception:
                # The worker runs on, and the next heartbeat may succeed.
                log.exception("heartbeat not written")
            time.sleep(HEARTBEAT_INTERVAL)
