"""Decide on the postings of a preview's companies, and store the decisions.

The postings of one company are stored by one statement, which also ends the company. So nobody sees a part of
them. A worker that dies leaves nothing, and a company that has ended gets nothing twice.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row

from app.db.execute import run_statement
from app.services.boards import offers
from app.services.boards.offers import Decided, Filters
from app.services.previews.decision_statements import FIND_READ, STORE


def decide(preview_id: int, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Decide on the postings of the companies in the state READ, and end them, several by one statement. Commits.

    Return False if ``is_over`` returned true before all were ended. An unexpected error with one company is logged and
    leaves it as it is.
    """
    after = 0
    while units := run_statement(FIND_READ, preview=preview_id, after=after):
        if is_over():
            return False
        _store(preview_id, units)
        after = units[-1].position
    return True


def _store(preview_id: int, companies: Sequence[Row[Any]]) -> None:
    """Store the decisions on some companies and end these. Commits. What another worker has ended stays as it is."""
    positions = {unit.board_id: unit.position for unit in companies}
    filters = {unit.board_id: Filters(unit.include, unit.exclude) for unit in companies}
    units, rules = [], []
    for decided in offers.decided(filters):
        position = positions[decided.board_id]
        units.append({"position": position, "listing_id": decided.listing_id})
        rules += _records(position, decided)
    if units:
        # Without ASCII escapes: an emoji would have 12 bytes instead of 4.
        unit_records, rule_records = (json.dumps(each, ensure_ascii=False) for each in (units, rules))
        run_statement(STORE, preview=preview_id, units=unit_records, rules=rule_records)


def _records(position: int, decided: Decided) -> list[dict[str, Any]]:
    """Return the decisions as JSON values: one record for each rule, with the postings that it decided."""
    return [
        {
            "position": position,
            "matched": rule.is_match,
            "rule_kind": rule.kind.value,
            "rule_term": rule.term,
            "postings": postings,
            "revisions": revisions,
        }
        for rule, (postings, revisions) in decided.by_rule.items()
    ]
