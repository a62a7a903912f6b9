"""The audit of runs: statements that find each row of runs, their companies, jobs and questions which breaks a rule.

It knows the promises of the product and its tables, and nothing of its code. Listings and events are kept, and what
jobs say now must follow from them. So it may be called at any time, and at every instant a sound database has no row.
"""

from typing import Any

import psycopg

from tests.faults import closing_rules, count_rules, job_rules
from tests.faults.sql_rules import broken_rules

RULES = {**count_rules.RULES, **job_rules.RULES, **closing_rules.RULES}
"""The statements by their rules."""


def audit(
    connection: "psycopg.Connection[Any]", witness: float, empty: float = 0, gone: float = 0
) -> list[str]:
    """Return a sentence for each rule that some rows break.

    The times are those of the settings, in seconds. ``board_audit`` checks ``empty`` and ``gone`` of postings too.
    """
    return broken_rules(connection, RULES, {"witness": witness, "empty": empty, "gone": gone})
