"""Take companies in: bring the user's jobs to what each board offers, company by company, in parts.

Python compares ids, and PostgreSQL guards. Nobody holds a lease: of two workers the later one finds another number of
parts, writes nothing, and reads again. Jobs that are as their postings are never written.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Row

from app.db.execute import run_statement
from app.errors import DatabaseUnavailable
from app.models import RunCompanyState
from app.services.boards import offers
from app.services.boards.offers import Decided, Filters
from app.services.jobs.company_key import company_key
from app.services.runs import decisions
from app.services.runs.company_changes import CompanyChanges, find_changes
from app.services.runs.errors import RunMoved, RunNotFound
from app.services.runs.taking_in_statements import (
    FAILED_PART,
    FIND,
    LAST_FAILED_PART,
    LAST_PART,
    PART,
)

log = structlog.get_logger(__name__)

FIRST_PART = 250
"""Rows of the first part of a message. A slow disk gets smaller ones, for a part holds the run's lock."""

MIN_PART = 10
MAX_PART = 1000

FAST_SECONDS = 0.25
"""A part that took less is followed by one of twice the size."""

SLOW_SECONDS = 0.5
"""A part that took more is followed by one of half the size."""

MAX_TRIES = 5
"""Readings of one company whose guards failed, before it is left to the next message."""


@dataclass
class PartSize:
    """The number of rows that the next part writes, from the time that the last one took."""

    rows: int = field(default_factory=lambda: min(FIRST_PART, MAX_PART))

    def adapt(self, seconds: float) -> None:
        """Follow the time that a part of this size took."""
        if seconds < FAST_SECONDS:
            self.rows = min(2 * self.rows, MAX_PART)
        elif seconds > SLOW_SECONDS:
            self.rows = max(self.rows // 2, MIN_PART)


@dataclass
class Worker:
    """A message's work on a run."""

    run_id: int
    is_over: Callable[[], bool]
    heartbeat: Callable[[], None]
    size: PartSize = field(default_factory=PartSize)

    def write(self, unit: Row[Any], changes: CompanyChanges) -> bool:
        """Write a company's changes in parts and end it. Commits. Return False if a guard failed or time is over."""
        parts: int = unit.parts
        while True:
            part, is_last = changes.next_part(self.size.rows)
            began = time.monotonic()
            values = {**_guards(unit, parts), **part}
            if unit.state == RunCompanyState.FAILED:
                rows = run_statement(LAST_FAILED_PART if is_last else FAILED_PART, **values)
            else:
                rows = run_statement(LAST_PART if is_last else PART, **values)
            if not rows:
                return False
            if part["new"] or part["jobs"]:
                self.size.adapt(time.monotonic() - began)
            changes.add_counts(rows[0])
            parts += 1
            self.heartbeat()
            if is_last or self.is_over():
                return is_last


def take_in(
    run_id: int, is_over: Callable[[], bool] = lambda: False, heartbeat: Callable[[], None] = lambda: None
) -> bool:
    """Take in the companies that are decided on, and note the closings of those that failed. Commits.

    ``is_over`` is called before each company and after each commit, ``heartbeat`` after each commit. Return False if
    ``is_over`` returned true before all were done. A company with an unexpected error is logged and left as it is.
    Raises DatabaseUnavailable, and RunMoved or RunNotFound if ``is_over`` does.
    """
    worker = Worker(run_id, is_over, heartbeat)
    position, tries = 1, 0
    while units := run_statement(FIND, run=run_id, at_position=position):
        if is_over():
            return False
        tries = tries + 1 if units[0].position == position else 1
        position = units[0].position
        if _try(worker, units[0]) or tries == MAX_TRIES:
            position, tries = position + 1, 0
    return True


def _try(worker: Worker, unit: Row[Any]) -> bool:
    """Read the changes of a company and write them. Commits. Return False if it must be read again.

    An unexpected error is logged, and leaves the company to the next message. Raises what ``is_over`` raises of a run
    that has ended.
    """
    try:
        return _take_in(worker, unit)
    except (DatabaseUnavailable, RunMoved, RunNotFound):
        raise
    except Exception:
        log.exception("company not taken in", run_id=unit.run_id, position=unit.position)
        return True


def _take_in(worker: Worker, unit: Row[Any]) -> bool:
    """Read the changes of a company and write them. Commits. Return False if it is not as it was read."""
    if unit.state == RunCompanyState.FAILED:
        return worker.write(unit, find_changes(unit, None))
    [offered] = offers.decided({unit.board_id: Filters(unit.include, unit.exclude)})
    matched = _matched(offered)
    # A board that counts as gone offers nothing more, although its last listing with content is the same.
    if offered.listing_id != unit.listing_id or len(matched) != unit.matched:
        decisions.redecide(worker.run_id, unit.position, offered, unit.parts)
        worker.heartbeat()
        return False
    return worker.write(unit, find_changes(unit, matched))


def _matched(offered: Decided) -> list[int]:
    """Return the ids of the postings that match."""
    return [each for rule, (postings, _) in offered.by_rule.items() if rule.is_match for each in postings]


def _guards(unit: Row[Any], parts: int) -> dict[str, Any]:
    """Return the parameters of a part that tell if the company is still as it was read."""
    guards = {
        "run": unit.run_id,
        "at_position": unit.position,
        "seen_parts": parts,
        "company": company_key(unit.source, unit.board),
    }
    if unit.state == RunCompanyState.FAILED:
        return guards
    return {**guards, "listing": unit.listing_id, "seen_matched": unit.matched}
