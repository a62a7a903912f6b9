"""The reconciler publishes due messages and removes what has expired. Any number of reconcilers may run at once."""

import socket
import time
from collections.abc import Callable
from threading import Event

import structlog

from app.errors import DatabaseUnavailable
from app.models import Component
from app.services import publisher
from app.services import removal as user_removal
from app.services.accounts import credentials
from app.services.boards import outbox as board_outbox
from app.services.boards import worker as boards
from app.services.health import heartbeats
from app.services.previews import completion
from app.services.previews import outbox as preview_outbox
from app.services.previews import removal
from app.services.runs import completion as run_completion
from app.services.runs import outbox as run_outbox
from app.tasks.boards import answer

log = structlog.get_logger(__name__)

RECONCILE_INTERVAL = 5.0
"""Seconds between the starts of two passes."""

MAX_PUBLISH_SECONDS = 2.0
"""The most seconds that one publish takes."""


USER_REMOVAL_SECONDS = 1.0
"""Seconds after which a pass starts no further batch of removed users' rows."""


def reconcile_once() -> int | None:
    """Publish the due runs and return their number; None if the broker is unavailable. Commits.

    Also give up the companies that wait in overdue runs, publish the due previews, wake a reader if a board is wanted,
    end exhausted readings, close overdue previews, and remove expired credentials, the postings of removed previews
    and the rows of removed users. Rows are claimed in a separate transaction, so no lock is held while publishing.

    Raises DatabaseUnavailable.
    """
    host = socket.gethostname()
    answers = publisher.broker_answers()
    _, published, *_ = _run_all(
        # First, because these runs are due then.
        run_completion.give_up_overdue,
        lambda: sum(_publish_all(run_outbox.claim_due(), run_outbox.publish)) if answers else None,
        lambda: sum(_publish_all(preview_outbox.claim_due(), preview_outbox.publish)) if answers else None,
        lambda: _wake_readers() if answers else None,
        lambda: boards.end_exhausted_readings(answer),
        completion.close_overdue,
        credentials.remove_expired,
        removal.remove_postings,
        lambda: user_removal.remove_batches(USER_REMOVAL_SECONDS),
    )
    # Written first, this heartbeat expires first: when the reconciler stops, Redis does not look like the cause.
    heartbeats.beat(Component.RECONCILER, host)
    if answers:
        heartbeats.beat(Component.REDIS, host)
    return published


def reconcile_forever(stopped: Event) -> None:
    """Reconcile every RECONCILE_INTERVAL until ``stopped`` is set. A failed pass is logged and the next follows."""
    while not stopped.is_set():
        started = time.monotonic()
        try:
            if published := reconcile_once():
                log.info("runs published", published=published)
        except DatabaseUnavailable as error:
            log.warning("reconciling failed, the database is unavailable", reason=error.reason)
        except Exception:
            log.exception("reconciling failed")
        stopped.wait(max(0.0, RECONCILE_INTERVAL - (time.monotonic() - started)))


def _wake_readers() -> int:
    """Publish one message if a board is wanted, and return the number of messages.

    That message wakes one reader. It publishes another if it leaves boards to others.
    """
    return int(boards.count_claimable(1) > 0 and board_outbox.wake_readers(0, 1))


def _run_all(*parts: Callable[[], int | None]) -> list[int | None]:
    """Run every part, even if others fail, and return their results. Raises the first error at the end."""
    results: list[int | None] = []
    faults: list[Exception] = []
    for part in parts:
        try:
            results.append(part())
        except Exception as error:
            faults.append(error)
    for fault in faults[1:]:
        log.warning("another part of the pass failed too", reason=repr(fault))
    if faults:
        raise faults[0]
    return results


def _publish_all(ids: list[int], publish_one: Callable[[int], bool]) -> list[bool]:
    """Publish the messages until the first failure, because the others would wait for the same broker.

    Also stop before the claims expire (CLAIM_SECONDS). The rest is then due again, for any reconciler.
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
