"""Rules in SQL: each is a sentence, and a statement that returns the rows which break it."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

MAX_SHOWN = 5
"""The most rows that a violation names."""

Rules = Mapping[str, str]


def broken_rules(connection: "psycopg.Connection[Any]", rules: Rules, values: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each rule that some rows break. No transaction is left open."""
    found = []
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        for rule, statement in rules.items():
            rows = cursor.execute(statement, values).fetchall()
            if rows:
                found.append(f"{rule}: {len(rows)} do not, such as {rows[:MAX_SHOWN]}")
    return found
