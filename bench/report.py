"""The report of the benchmarks, in Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from bench.findings import HEAD as FINDINGS_HEAD
from bench.findings import OTHER_HEAD, Finding, Section, summarize
from tests.support.reports import describe_environment, table

HEAD = """# Benchmarks

The performance of the product, compared with PostgreSQL and Celery alone. `make bench` writes this page; it is never
edited by hand. The product, its PostgreSQL and Redis, and the load generator share one machine. So absolute figures
mean little; shares, whose two sides were measured in turns, can be compared. The *share of pgbench's rate* compares
with pgbench, which runs the same statements on at most 32 connections, without a web server, authentication or
messages. *Failed* counts requests without an answer or with a 5xx. Boards come from a server on the same machine.
`where … go` names the libraries in whose functions a sampled process was; waiting for PostgreSQL counts for its driver.
The costs of hostile boards and clients are in [proof.md](proof.md).
"""


def write(sections: Sequence[Section], groups: Mapping[str, Sequence[Finding]], minutes: float) -> str:
    """Return the report: first every wanted figure beside the one found, then everything else that was measured."""
    of_sections = [finding for section in sections for finding in section.findings]
    findings = [*of_sections, *(finding for group in groups.values() for finding in group)]
    parts = [HEAD, describe_environment(Command="`make bench`", Took=f"{minutes:.1f} min")]
    if judged := [finding for finding in findings if finding.is_met is not None]:
        parts += ["## Wanted and found\n", summarize(judged), _table(judged)]
    if others := [finding for finding in findings if finding.is_met is None]:
        parts += ["## Also measured\n", _table(others)]
    for section in sections:
        parts += [f"## {section.heading}\n", table(section.head, section.rows)]
    return "\n".join(parts)


def _table(findings: Iterable[Finding]) -> str:
    """Return the table of findings that all have a verdict, or of which none has one."""
    rows = [finding.row for finding in findings]
    return table(FINDINGS_HEAD if len(rows[0]) == len(FINDINGS_HEAD) else OTHER_HEAD, rows)
