"""Publish messages: after the commit, within a time limit, and without ever failing the request.

A message only wakes a worker. It carries the id of a row, and the row is its own outbox entry.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import structlog
from celery import Celery
from flask import current_app
from prometheus_client import Counter

from app.concurrency.fair_semaphore import FairSemaphore
from app.observability.logs import request_id

log = structlog.get_logger(__name__)

PROBE_INTERVAL_SECONDS = 3.0
"""Seconds of pause after a failed publish, so that requests do not queue behind the broker's timeouts."""

MAX_PUBLISHES = 8
"""Simultaneous publishes of a process. Its pool of connections to the broker has the same size."""

SLOT_TIMEOUT = 0.5
"""Seconds that a publish waits for a free slot. If the broker is that slow, the reconciler publishes later."""

CLAIM_SECONDS = 5
"""Seconds for which a reconciler's claim hides due rows from other reconcilers. A row that is not published by then is
due again. Short, because a run waits that long after a failed publish."""

FIRST_PUBLISH_SECONDS = 5
"""Seconds that a request has to publish the message of its new row. After that, the reconciler publishes it."""

BATCH_SIZE = 100
"""Due rows claimed at once."""


class CircuitBreaker:
    """Allow publishes while the broker answers; after a failure, one probe every PROBE_INTERVAL_SECONDS."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next_probe: float | None = None

    def allows(self) -> bool:
        """Return whether the caller may publish. After a failure, one caller per interval may: it is the probe."""
        with self._lock:
            if self._next_probe is None:
                return True
            if time.monotonic() < self._next_probe:
                return False
            self._next_probe = time.monotonic() + PROBE_INTERVAL_SECONDS
            return True

    def record(self, success: bool) -> None:
        """Record the outcome of a publish."""
        with self._lock:
            self._next_probe = None if success else time.monotonic() + PROBE_INTERVAL_SECONDS


breaker = CircuitBreaker()
slots = FairSemaphore(MAX_PUBLISHES)


@dataclass(frozen=True)
class MessageType:
    """A kind of message."""

    task: str
    """Name of the task that the message wakes."""
    subject: str
    """Name for the row whose id the message carries, used in the log."""
    mark_published: Callable[[int], None]
    expires: int
    """Seconds after which the worker drops the message; another has been published by then."""
    publishes: Counter


def publish(message: MessageType, subject_id: int) -> bool:
    """Publish a message and mark its row as published. Commits.

    Returns whether the message was published; if not, the reconciler publishes it later. Raises nothing: the row is
    committed, so a fault of the broker must not fail the request.
    """
    if not slots.acquire(timeout=SLOT_TIMEOUT):
        return _record(message, subject_id, "skipped")
    try:
        return _publish(message, subject_id)
    finally:
        slots.release()


def broker_answers() -> bool:
    """Return whether the broker answers a ping within the producers' timeouts."""
    try:
        with _celery().connection_for_write() as connection:
            return bool(connection.default_channel.client.ping())
    except Exception as error:  # kombu lets errors of every layer through
        log.warning("broker did not answer", reason=str(error))
        return False


def _publish(message: MessageType, subject_id: int) -> bool:
    # Checked by the holder of a slot: while it waited, another publish may have found the broker unavailable.
    if not breaker.allows():
        return _record(message, subject_id, "skipped")
    try:
        _celery().send_task(
            message.task,
            (subject_id,),
            headers={"request_id": request_id()},
            expires=message.expires,
            ignore_result=True,
        )
    except Exception as error:  # kombu lets errors of every layer through
        breaker.record(success=False)
        return _record(message, subject_id, "failed", reason=str(error))
    breaker.record(success=True)
    try:
        message.mark_published(subject_id)
    except Exception as error:  # it was published; the reconciler publishes it again
        return _record(message, subject_id, "unmarked", reason=getattr(error, "reason", None) or str(error))
    return _record(message, subject_id, "published")


def _celery() -> Celery:
    """Return this application's Celery. Celery's own current application is the last one made in the process."""
    celery: Celery = current_app.extensions["celery"]
    return celery


def _record(message: MessageType, subject_id: int, outcome: str, **more: str) -> bool:
    message.publishes.labels(outcome=outcome).inc()
    if outcome != "published":
        ids = {f"{message.subject}_id": subject_id}
        log.warning(f"{message.subject} not published", **ids, outcome=outcome, **more)
    return outcome == "published"
