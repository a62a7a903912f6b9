"""Benchmark the product, or compare it with another checkout: ``python -m bench compare OTHER_CHECKOUT``."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path

from app.config.settings import Settings
from bench import processes, requests, runs, sharing
from bench.comparison import compare
from bench.filters import filters
from bench.findings import Finding, Findings, Section
from bench.in_process import run_alone
from bench.page import page
from bench.report import write
from bench.testbed import Testbed, running_testbed

PRODUCT_PARTS: dict[str, Callable[[Testbed], Section]] = {
    "readiness": processes.readiness,
    "throughput": requests.throughput,
    "pickup": requests.pickup,
    "frozen_redis": requests.frozen_redis,
    "polling": requests.polling,
    "memory": processes.memory,
    # This part is last, because it leaves a million runs.
    "growth": requests.growth,
}
"""The benchmarks of one product, which all of them share."""

REQUEST_PARTS: dict[str, Callable[[], Findings]] = {
    "request": partial(run_alone, "requests"),
    "page": page,
    "filters": filters,
}
BOARD_PARTS: dict[str, Callable[[], Findings]] = {
    "storing": partial(run_alone, "storing"),
    "large_board": partial(run_alone, "large_board"),
    "closed_postings": partial(run_alone, "closed_postings"),
    "shared": sharing.shared,
    "many_boards": sharing.many_boards,
    "reading": sharing.reading,
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
    "abort": runs.abort,
}
"""The benchmarks of runs that ingest, likewise."""

GROUPS = {"requests": REQUEST_PARTS, "boards": BOARD_PARTS, "ingestion": INGESTION_PARTS}
"""The benchmarks that have a name together."""

PARTS = [*PRODUCT_PARTS, *REQUEST_PARTS, *BOARD_PARTS, *INGESTION_PARTS]


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
        written = compare(Path(arguments.parts[1]).resolve(), arguments.seconds, arguments.turns)
    elif set(arguments.parts) <= {*PARTS, *GROUPS}:
        written = measure(chosen(arguments.parts))
    else:
        parser.error(f"unknown parts: {' '.join(arguments.parts)}")
    print(written)
    if arguments.report:
        arguments.report.write_text(written)


def chosen(names: list[str]) -> list[str]:
    """Return the parts that the command line names, in the order of PARTS; all of them if it names none."""
    named = {*names, *(part for group in names for part in GROUPS.get(group, ()))}
    return [part for part in PARTS if part in named or not named]


def measure(parts: list[str]) -> str:
    """Run these parts; return the report."""
    began = time.monotonic()
    sections: list[Section] = []
    if of_product := [part for part in parts if part in PRODUCT_PARTS]:
        sections += _measure_product(of_product)
    groups = {
        name: list(_measure_group({part: group[part] for part in parts if part in group}))
        for name, group in GROUPS.items()
    }
    return write(sections, groups, (time.monotonic() - began) / 60)


def _measure_product(parts: Iterable[str]) -> Iterator[Section]:
    """Run these parts on one product; yield the section of each."""
    with running_testbed() as testbed:
        for part in parts:
            print(f"{part} …", file=sys.stderr, flush=True)
            yield PRODUCT_PARTS[part](testbed)


def _measure_group(parts: dict[str, Callable[[], Findings]]) -> Iterator[Finding]:
    """Run these benchmarks; yield their findings, and print each as soon as it is found."""
    for part, run in parts.items():
        print(f"{part} …", file=sys.stderr, flush=True)
        for finding in run():
            print(" | ".join(finding.row), file=sys.stderr, flush=True)
            yield finding


if __name__ == "__main__":
    main()
