"""Benchmark the product, or compare it with another checkout: ``python -m bench compare OTHER_CHECKOUT``."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path

from app.config.settings import Settings
from bench import measurements, runs, sharing
from bench.findings import HEAD as FINDINGS_HEAD
from bench.findings import Findings
from bench.in_process import run_alone
from bench.load_generator import LoadResult
from bench.testbed import running_testbed
from tests.support.reports import describe_environment, table

HEAD = """# Benchmarks

The performance of the product, compared with PostgreSQL and Celery alone. `make bench` writes this page; it is never
edited by hand. The product, its PostgreSQL and Redis, and the load generator share one machine. So absolute figures
mean little; shares, whose two sides were measured in turns, can be compared. The *share of pgbench's rate* compares
with pgbench, which runs the same statements on at most 32 connections, without a web server, authentication or
messages. *Failed* counts requests without an answer or with a 5xx. Boards come from a server on the same machine.
"""
PRODUCT_PARTS = {
    "readiness": "Time until the product is ready",
    "throughput": "Requests per second",
    "pickup": "Time from a start to its receipt, compared with Celery alone",
    "polling": "Open pages that poll a run every 1.5 s",
    "memory": "Memory (proportional set size)",
    # This part is last, because it leaves a million runs.
    "growth": "Growing number of runs: 8 clients, who own half of them",
}
BOARD_PARTS: dict[str, Callable[[], Findings]] = {
    "storing": partial(run_alone, "storing"),
    "large_board": partial(run_alone, "large_board"),
    "closed_postings": partial(run_alone, "closed_postings"),
    "shared": sharing.shared,
    "many_boards": sharing.many_boards,
    "unchanged": sharing.unchanged,
    "locked": sharing.locked,
    "claims": partial(run_alone, "claims"),
    "fresh_preview": sharing.fresh_preview,
}
"""The benchmarks of boards. Each has a product or a PostgreSQL of its own."""

INGESTION_PARTS: dict[str, Callable[[], Findings]] = {
    "taking_in": partial(run_alone, "taking_in"),
    "fresh_run": runs.fresh_run,
    "small_run": runs.small_run,
}
"""The benchmarks of runs that ingest, likewise."""

GROUPS = {"boards": BOARD_PARTS, "ingestion": INGESTION_PARTS}
"""The benchmarks that have a name together."""

PARTS = [*PRODUCT_PARTS, *BOARD_PARTS, *INGESTION_PARTS]


def main() -> None:
    """Run the chosen benchmarks and print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join([*PARTS, *GROUPS])}; default: all. Or: compare PATH")
    parser.add_argument("--report", type=Path, help="write the report to this file")
    parser.add_argument("--seconds", type=float, default=30, help="seconds of each load in a comparison")
    parser.add_argument("--turns", type=int, default=5, help="turns of a comparison")
    arguments = parser.parse_args()
    for field in fields(Settings):
        os.environ.pop(field.name.upper(), None)
    if arguments.parts[:1] == ["compare"] and len(arguments.parts) == 2:
        page = compare(Path(arguments.parts[1]).resolve(), arguments.seconds, arguments.turns)
    elif set(arguments.parts) <= {*PARTS, *GROUPS}:
        page = measure(chosen(arguments.parts))
    else:
        parser.error(f"unknown parts: {' '.join(arguments.parts)}")
    print(page)
    if arguments.report:
        arguments.report.write_text(page)


def chosen(names: list[str]) -> list[str]:
    """Return the parts that the command line names, in the order of PARTS; all of them if it names none."""
    named = {*names, *(part for group in names for part in GROUPS.get(group, ()))}
    return [part for part in PARTS if part in named or not named]


def measure(parts: list[str]) -> str:
    """Run these parts; return the report."""
    began = time.monotonic()
    sections: list[str] = []
    if of_product := [part for part in parts if part in PRODUCT_PARTS]:
        sections += _measure_product(of_product)
    for name, group in GROUPS.items():
        if of_group := {part: group[part] for part in parts if part in group}:
            sections += [f"## {name.title()}\n", table(FINDINGS_HEAD, _measure_group(of_group))]
    took = f"{(time.monotonic() - began) / 60:.1f} min"
    return "\n".join([HEAD, describe_environment(Command="`make bench`", Took=took), *sections])


def _measure_product(parts: Iterable[str]) -> Iterator[str]:
    """Run these parts on one product; yield the heading and the table of each."""
    with running_testbed() as testbed:
        for part in parts:
            print(f"{part} …", file=sys.stderr, flush=True)
            head, *rows = getattr(measurements, part)(testbed)
            yield f"## {PRODUCT_PARTS[part]}\n"
            yield table(head, rows)


def _measure_group(parts: dict[str, Callable[[], Findings]]) -> Iterator[tuple[str, str, str]]:
    """Run these benchmarks; yield the rows of their table, and print each as soon as it is found."""
    for part, run in parts.items():
        print(f"{part} …", file=sys.stderr, flush=True)
        for finding in run():
            print(" | ".join(finding.row), file=sys.stderr, flush=True)
            yield finding.row


def compare(other: Path, seconds: float, turns: int) -> str:
    """Load this product and that of another checkout in turns; return a table of medians."""
    found: dict[tuple[str, int, str], list[LoadResult]] = {}
    with ExitStack() as stack:
        stages = {"this": stack.enter_context(running_testbed()), "other": stack.enter_context(running_testbed(other))}
        for turn in range(turns):
            for kind, clients in [(kind, clients) for kind in measurements.KINDS for clients in measurements.CLIENTS]:
                print(f"turn {turn + 1} of {turns}: {kind}, {clients} clients", file=sys.stderr, flush=True)
                for name in sorted(stages, reverse=turn % 2 == 0):
                    result = measurements.run_kind(stages[name], kind, clients, seconds)
                    found.setdefault((kind, clients, name), []).append(result)
    rows = []
    for (kind, clients, name), rounds in sorted(found.items()):
        rate = measurements.median_rate(rounds, kind)
        p50, p99 = measurements.median_ms(rounds, 50), measurements.median_ms(rounds, 99)
        share = rate / measurements.median_rate(found[kind, clients, "other"], kind)
        times = f"{p50:.1f}", f"{p99:.1f}", f"{p99 / p50:.1f}"
        rows.append((kind, clients, name, f"{rate:,.1f}", f"{share:.0%}", *times, sum(each.failed for each in rounds)))
    head = "", "clients", "checkout", "per second", "share of other's rate", "p50 ms", "p99 ms", "p99 / p50", "failed"
    return table(head, rows)


if __name__ == "__main__":
    main()
