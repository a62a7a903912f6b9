"""The reconciler: publishes what was not published, or was and is still waiting. Any number at once are harmless."""

import socket
import time
from collections.abc import Callable
from threading import Event

import structlog

from app.errors import DatabaseUnavailable
from app.models import Component
from app.services import dispatches, heartbeats, preview_dispatches, preview_ends
from app.tasks import preview
from app.tasks.dispatch import broker_answers, publish

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 5.0
"""From the beginning of one pass to the beginning of the next."""

PUBLISH_SECONDS = 2.0
"""What one publish may take at the worst."""


def reconcile_once() -> int | None:
    """Publish the runs that are due and return how many were published; None if the broker does not answer.

    The same for previews, whose overdue ones are closed as well. Taking is one transaction, publishing and stamping
    come after it: no lock is held while the broker is asked. Raises DatabaseUnavailable.
    """
    host = socket.gethostname()
    answers = broker_answers()
    published, _previews, _closed = _each(
        lambda: sum(_publish_all(dispatches.take_due(), publish)) if answers else None,
        lambda: sum(_publish_all(preview_dispatches.take_due(), preview.publish)) if answers else None,
        preview_ends.close_overdue,
    )
    # Our own sign first: should we fall silent, nobody may think for a moment that it was Redis.
    heartbeats.beat(Component.RECONCILER, host)
    if answers:
        heartbeats.beat(Component.REDIS, host)
    return published


def reconcile_forever(stopped: Event) -> None:
    """Reconcile every INTERVAL_SECONDS until ``stopped`` is set; a pass that fails is tried again."""
    while not stopped.is_set():
        began = time.monotonic()
        try:
            if published := reconcile_once():
                log.info("runs handed over", published=published)
        except DatabaseUnavailable as error:
            log.warning("reconciling is not possible", reason=error.reason)
        except Exception:
            log.exception("reconciling failed")
        stopped.wait(max(0.0, INTERVAL_SECONDS - (time.monotonic() - began)))


def _each(*parts: Callable[[], int | None]) -> list[int | None]:
    """Do each part, whatever becomes of the others, and return what they did; then raise the first fault, if any."""
    done: list[int | None] = []
    faults: list[Exception] = []
    for part in parts:
        try:
            done.append(part())
        except Exception as error:
            faults.append(error)
    for fault in faults[1:]:
        log.warning("another part of the pass failed too", reason=repr(fault))
    if faults:
        raise faults[0]
    return done


def _publish_all(ids: list[int], publish_one: Callable[[int], bool]) -> list[bool]:
    """Publish each; the first failure ends it, because the rest would only wait for the same broker.

    So does the time for which they are ours alone; the rest is due again then, for us or another reconciler.
    """
    deadline = time.monotonic() + dispatches.TAKE_WINDOW - PUBLISH_SECONDS
    outcomes = []
    for each in ids:
        if time.monotonic() > deadline:
            break
        outcomes.append(publish_one(each))
        if not outcomes[-1]:
            break
    return outcomes
