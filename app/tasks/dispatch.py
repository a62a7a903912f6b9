"""Publishing messages: after the commit, within a bound, and without ever failing the request."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import structlog
from celery import Celery
from flask import current_app
from prometheus_client import Counter

from app.observability import metrics
from app.observability.logs import request_id
from app.runtime.fair_limit import FairLimit
from app.services import dispatches, runs
from app.tasks.ingestion import ingest

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 3.0
"""After a failed publish the broker is left alone for this long, so that requests do not queue behind its timeouts."""

MAX_PUBLISHES = 8
"""Publishes of a process at a time; its pool of connections to the broker has as many."""

SLOT_TIMEOUT = 0.5
"""Seconds that a publish waits for its turn. If the broker is that slow, the reconciler publishes later."""

EXPIRES_SECONDS = dispatches.LONGEST_BACK_OFF + 30
"""A message not received by then is dropped by the worker; another has been published meanwhile."""


class Breaker:
    """Lets publishes through while the broker answers; after a failure one probe at a time, PAUSE_SECONDS apart."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next_probe: float | None = None

    def allows(self) -> bool:
        """Return whether the caller may try; if the broker was away, the caller is its one probe for a while."""
        with self._lock:
            if self._next_probe is None:
                return True
            if time.monotonic() < self._next_probe:
                return False
            self._next_probe = time.monotonic() + PAUSE_SECONDS
            return True

    def note(self, success: bool) -> None:
        """Tell how the try ended."""
        with self._lock:
            self._next_probe = None if success else time.monotonic() + PAUSE_SECONDS


breaker = Breaker()
slots = FairLimit(MAX_PUBLISHES)


@dataclass(frozen=True)
class Message:
    """A kind of message: which task it wakes, of what it carries the id, and how its publishing is noted."""

    task: str
    subject: str
    stamp: Callable[[int], None]
    expires: int
    publishes: Counter


RUN = Message(ingest.name, "run", dispatches.stamp, EXPIRES_SECONDS, metrics.PUBLISHES)


def start_run(user_id: int, preview_id: int | None = None, key: str | None = None) -> tuple[int, bool]:
    """Start a run, commit it, publish its message; returns its id and whether it is new. One that is not is left alone.

    Raises what ``runs.start`` raises, and nothing for the broker.
    """
    run_id, is_new = runs.start(user_id, preview_id, key)
    if is_new:
        publish(run_id)
    return run_id, is_new


def publish(run_id: int) -> bool:
    """Hand the run's message to the broker, as ``hand_over`` does."""
    return hand_over(RUN, run_id)


def hand_over(message: Message, subject_id: int) -> bool:
    """Hand a message to the broker and note that on what it is about. Commits.

    Returns whether it was handed over; if not, the reconciler will do it. Raises nothing: what it is about is
    committed, and no fault of a messenger may turn that into an error.
    """
    if not slots.acquire(timeout=SLOT_TIMEOUT):
        return _published(message, subject_id, "skipped")
    try:
        return _hand_over(message, subject_id)
    finally:
        slots.release()


def _hand_over(message: Message, subject_id: int) -> bool:
    # Asked by the holder of a slot: while it waited for one, another may have found the broker away.
    if not breaker.allows():
        return _published(message, subject_id, "skipped")
    try:
        wake_up = _celery().tasks[message.task]
        wake_up.apply_async((subject_id,), headers={"request_id": request_id()}, expires=message.expires)
    except Exception as error:  # kombu lets errors of every layer through
        breaker.note(success=False)
        return _published(message, subject_id, "failed", reason=str(error))
    breaker.note(success=True)
    try:
        message.stamp(subject_id)
    except Exception as error:  # it is published, and will be once more
        return _published(message, subject_id, "unstamped", reason=getattr(error, "reason", None) or str(error))
    return _published(message, subject_id, "published")


def broker_answers() -> bool:
    """Return whether the broker answers a ping within the producers' timeouts."""
    try:
        with _celery().connection_for_write() as connection:
            return bool(connection.default_channel.client.ping())
    except Exception as error:  # as above
        log.warning("broker does not answer", reason=str(error))
        return False


def _celery() -> Celery:
    """This application's own; Celery's idea of the current one is the last that was made in this process."""
    celery: Celery = current_app.extensions["celery"]
    return celery


def _published(message: Message, subject_id: int, outcome: str, **more: str) -> bool:
    message.publishes.labels(outcome=outcome).inc()
    if outcome != "published":
        about = {f"{message.subject}_id": subject_id}
        log.warning(f"{message.subject} not handed over", **about, outcome=outcome, **more)
    return outcome == "published"
