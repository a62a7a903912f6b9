"""The reconciler: publishes the messages that are due. Any number of reconcilers may run at once."""

import socket
import time
from collections.abc import Callable
from threading import Event

import structlog

from app.errors import DatabaseUnavailable
from app.models import Component
from app.services import publisher
from app.services.health import heartbeats
from app.services.previews import completion
from app.services.previews import outbox as preview_outbox
from app.services.runs import outbox as run_outbox

log = structlog.get_logger(__name__)

RECONCILE_INTERVAL = 5.0
"""Between the starts of two passes."""

MAX_PUBLISH_SECONDS = 2.0
"""The longest time of one publish."""


def reconcile_once() -> int | None:
    """Publish the runs that are due and return their number; None if the broker does not answer. Commits.

    Publish the due previews, too, and close the overdue ones. Rows are claimed in a transaction of its own, so no lock
    is held while publishing. Raises DatabaseUnavailable.
    """
    host = socket.gethostname()
    answers = publisher.broker_answers()
    published, _previews, _closed = _run_all(
        lambda: sum(_publish_all(run_outbox.claim_due(), run_outbox.publish)) if answers else None,
        lambda: sum(_publish_all(preview_outbox.claim_due(), preview_outbox.publish)) if answers else None,
        completion.close_overdue,
    )
    # Our own heartbeat first: if it stopped, Redis must not look like the cause.
    heartbeats.beat(Component.RECONCILER, host)
    if answers:
        heartbeats.beat(Component.REDIS, host)
    return published


def reconcile_forever(stopped: Event) -> None:
    """Reconcile every INTERVAL_SECONDS until ``stopped`` is set; a failed pass is logged and the next one follows."""
    while not stopped.is_set():
        began = time.monotonic()
        try:
            if published := reconcile_once():
                log.info("runs published", published=published)
        except DatabaseUnavailable as error:
            log.warning("reconciling is not possible", reason=error.reason)
        except Exception:
            log.exception("reconciling failed")
        stopped.wait(max(0.0, RECONCILE_INTERVAL - (time.monotonic() - began)))


def _run_all(*parts: Callable[[], int | None]) -> list[int | None]:
    """Run every part, even if others fail, and return their results; then raise the first error, if any."""
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
    """Publish each until the first failure, because the rest would wait for the same broker.

    Stop before CLAIM_SECONDS are over, too: the rest is due again then, for any reconciler.
    """
    deadline = time.monotonic() + publisher.CLAIM_SECONDS - MAX_PUBLISH_SECONDS
    outcomes = []
    for each in ids:
        if time.monotonic() > deadline:
            break
        outcomes.append(publish_one(each))
        if not outcomes[-1]:
            break
    return outcomes
