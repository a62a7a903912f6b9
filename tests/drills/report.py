"""docs/proof.md: what the drills found, in tables that are written anew each time and never by hand."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.drills.results import Result, percentile
from tests.support.reports import setting, table

HEAD = """# Proof

The promise: **no run is lost, none runs twice, an abort always wins, and the page never lies about it.**

This page is written by `make drill`, which brings up the whole product, does to it what the tables say, and reads
from the database's own timelines (`run_events`), the table of runs, and everything that clients were answered,
whether the promise held. It is never edited by hand. Whoever doubts it runs it again; a violation makes the command
fail.
"""

FOOT = """
## How to read it

* **N** is how often something was tried. **Violations** counts broken rules of the checker
  (`tests/faults/history_checker.py`), wrong answers, answers that came too late, and errors in the product's log that are
  faults of ours.
* **p50** and **p99** are seconds of what is named beside them: *recovery* from the fault (or its end, where the drill
  says so) until the run was received or the product answered well again, *answer* how long a user waited.
* The **walking worker** is the product's worker with `ingestion.run` replaced: it takes runs through their states by
  the functions of `app/services/runs/transitions.py`. The product's own task is a placeholder that claims
  nothing; so runs that a
  killed worker had claimed are ended by a rescue of the drill's.
* The **seed** gives what is done at random, when, and by whom: the faults, and each user's and each walk's own
  sequence. How real processes interleave is not reproduced by a seed: the same command meets other instants.
* Where it says **not run**, nothing was shown.
"""


def write(path: Path, results: Sequence[Result], seed: int, command: str, seconds: float) -> None:
    """Write the report."""
    asked = {"Command": f"`{command}`", "Seed": seed, "Took": f"{seconds / 60:.1f} minutes"}
    path.write_text("\n".join([HEAD, setting(**asked), _summary(results), *_tables(results), FOOT]))


def _summary(results: Sequence[Result]) -> str:
    held = [result for result in results if not result.not_run]
    broken = sum(len(result.violations) for result in held)
    lines = [f"**{len(held)} drills, {broken} violations.**"]
    left = [f"{result.name} ({result.not_run})" for result in results if result.not_run]
    return "\n" + " ".join(lines + ([f"Not run: {'; '.join(left)}."] if left else [])) + "\n"


def _tables(results: Sequence[Result]) -> list[str]:
    parts = []
    for group, members in groupby(results, key=lambda result: result.group):
        rows = list(members)
        parts.append(f"## {group}\n")
        parts.append(table(("drill", "N", "violations", "p50 s", "p99 s", "of", "more", "seed"), map(row, rows)))
        parts.append("\n" + "\n".join(f"* **{each.name}**: {each.promise}" for each in rows) + "\n")
        parts += [_broken(each) for each in rows if each.violations]
    return parts


def row(result: Result) -> tuple[Any, ...]:
    """The cells of a drill's row."""
    if result.not_run:
        return result.name, "–", "not run", "–", "–", "–", result.not_run, result.seed
    outcome = result.outcome
    half, most = (_seconds(percentile(outcome.seconds, share)) for share in (0.5, 0.99))
    more = "; ".join(f"{name}: {_fact(value)}" for name, value in outcome.facts.items())
    n = f"{outcome.n:,} {outcome.unit}"
    return result.name, n, len(result.violations), half, most, outcome.measured, more, result.seed


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}" if value < 1 else f"{value:.1f}"


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _broken(result: Result) -> str:
    shown = "\n".join(f"* {' '.join(sentence.split())}" for sentence in result.violations[:20])
    return f"**Violations of “{result.name}”** ({len(result.violations)}):\n\n{shown}\n"
