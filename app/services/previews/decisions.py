"""Decide on the postings of boards that a preview has listings of, and store the decisions.

The postings of one company are stored by one statement, which also ends the company. So nobody ever sees a part of
them, nothing is left of a worker that dies, and a company that another worker has ended gets nothing twice.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog
from sqlalchemy import Row

from app.db.execute import run_statement
from app.services.previews.decision_statements import FIND_OFFERED, FIND_READ, MAX_POSTINGS, STORE
from app.sources.title_filter import Rule, TitleFilter

log = structlog.get_logger(__name__)


class Decisions:
    """The decisions on the postings of one company, as far as they were read."""

    def __init__(self, unit: Row[Any], listing_id: int) -> None:
        self.position: int = unit.position
        self.listing_id = listing_id
        self._filter = TitleFilter(unit.include, unit.exclude)
        self._by_rule: dict[Rule, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))

    def add(self, offered: Row[Any]) -> None:
        """Decide on some postings."""
        for posting_id, revision_id, title in zip(offered.postings, offered.revisions, offered.titles, strict=True):
            postings, revisions = self._by_rule[self._filter.decide(title)]
            postings.append(posting_id)
            revisions.append(revision_id)

    def records(self) -> list[dict[str, Any]]:
        """Return the decisions as JSON values: one record for each rule, with the postings that it decided."""
        return [
            {
                "position": self.position,
                "matched": rule.is_match,
                "rule_kind": rule.kind.value,
                "rule_term": rule.term,
                "postings": postings,
                "revisions": revisions,
            }
            for rule, (postings, revisions) in self._by_rule.items()
        ]


def decide(preview_id: int, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Decide on the postings of the companies in the state READ, and end them, several by one statement. Commits.

    Return False if ``is_over`` returned true before all were ended. An unexpected error with one company is logged and
    leaves it as it is.
    """
    after = 0
    while units := run_statement(FIND_READ, preview=preview_id, after=after):
        if is_over():
            return False
        _store(preview_id, _decide_all(preview_id, units))
        after = units[-1].position
    return True


def _store(preview_id: int, decided: Iterator[tuple[int, int, list[dict[str, Any]]]]) -> None:
    """Store the decisions on some companies and end these. Commits. What another worker has ended stays as it is."""
    units, rules = [], []
    for position, listing_id, records in decided:
        units.append({"position": position, "listing_id": listing_id})
        rules += records
    if units:
        # Without ASCII escapes: an emoji would have 12 bytes instead of 4.
        unit_records, rule_records = (json.dumps(each, ensure_ascii=False) for each in (units, rules))
        run_statement(STORE, preview=preview_id, units=unit_records, rules=rule_records)


def _decide_all(preview_id: int, units: Sequence[Row[Any]]) -> Iterator[tuple[int, int, list[dict[str, Any]]]]:
    """Read and decide on the postings of these companies, and yield the position, listing and records of each.

    The postings of a company are those of one listing, the last one of its board that has not failed. If another is
    stored between two pages, its postings are decided on from the start.
    """
    left = {unit.position: unit for unit in units}
    begun: Decisions | None = None
    last = {"position": 0, "posting_id": 0}
    while left:
        rows = run_statement(FIND_OFFERED, preview=preview_id, positions=[*left], **last)
        incomplete = _incomplete(rows)
        for row in rows:
            if begun and begun.listing_id != row.listing_id:
                begun, last = None, {"position": row.position, "posting_id": 0}
                break
            begun = _add(begun, left[row.position], row)
            if begun is None or row.position != incomplete:
                del left[row.position]
                if begun:
                    yield begun.position, begun.listing_id, begun.records()
                begun = None
            if row.position == incomplete:
                last = {"position": row.position, "posting_id": row.postings[-1]}
                break
        else:
            return


def _incomplete(rows: Sequence[Row[Any]]) -> int | None:
    """Return the position of the company that may have more postings than were read, if there is one."""
    with_postings = [row for row in rows if row.postings]
    is_full = sum(len(row.postings) for row in with_postings) == MAX_POSTINGS
    return with_postings[-1].position if is_full else None


def _add(begun: Decisions | None, unit: Row[Any], offered: Row[Any]) -> Decisions | None:
    """Decide on some postings of a company. Return None after an unexpected error, which is logged."""
    try:
        begun = begun or Decisions(unit, offered.listing_id)
        if offered.postings:
            begun.add(offered)
    except Exception:
        log.exception("postings not decided", position=unit.position)
        return None
    return begun
