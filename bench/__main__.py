"""Measure the product; or, as ``compare OTHER_CHECKOUT``, in turns with the product of another checkout."""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from app.config.settings import Settings
from bench import measurements
from bench.load_generator import LoadResult
from bench.testbed import running_testbed
from tests.support.reports import setting, table

HEAD = """# Benchmarks

The product beside the limits of what it stands on. `make bench` writes this page; it is never edited by hand. One
machine carries the product, its PostgreSQL and Redis, and the load generator. So absolute figures say little; shares,
whose two sides were measured in turns, can be compared. *Of pgbench's* is the share of the rate at which pgbench runs
the same statements, on 32 connections at most, without a web server, a sign-in or a message.
"""
PARTS = {
    "readiness": "Until the product is ready",
    "throughput": "Requests a second",
    "pickup": "From a start to its receipt, beside Celery alone",
    "polling": "Open pages that watch a run, asking every 1.5 s",
    "memory": "Memory: the proportional set size",
    # The last, because it leaves a million runs.
    "growth": "As runs pile up: 8 clients, who own half of them",
}


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}, all by default; or compare and a path")
    parser.add_argument("--report", type=Path, help="the file to write")
    parser.add_argument("--seconds", type=float, default=30, help="of each load of a comparison")
    parser.add_argument("--turns", type=int, default=5, help="of a comparison")
    asked = parser.parse_args()
    for field in fields(Settings):
        os.environ.pop(field.name.upper(), None)
    if asked.parts[:1] == ["compare"] and len(asked.parts) == 2:
        page = compare(Path(asked.parts[1]).resolve(), asked.seconds, asked.turns)
    elif set(asked.parts) <= PARTS.keys():
        page = measure(asked.parts or list(PARTS))
    else:
        parser.error(f"these are no parts: {' '.join(asked.parts)}")
    print(page)
    if asked.report:
        asked.report.write_text(page)


def measure(parts: list[str]) -> str:
    """Measure these parts; return the page."""
    began, sections = time.monotonic(), []
    with running_testbed() as testbed:
        for part in sorted(parts, key=list(PARTS).index):
            print(f"{part} …", file=sys.stderr, flush=True)
            head, *rows = getattr(measurements, part)(testbed)
            sections += [f"## {PARTS[part]}\n", table(head, rows)]
    took = f"{(time.monotonic() - began) / 60:.1f} min"
    return "\n".join([HEAD, setting(Command="`make bench`", Took=took), *sections])


def compare(other: Path, seconds: float, turns: int) -> str:
    """Load this product and that of another checkout in turns; return a table of the medians of all turns."""
    found: dict[tuple[str, int, str], list[LoadResult]] = {}
    with ExitStack() as stack:
        stages = {"this": stack.enter_context(running_testbed()), "other": stack.enter_context(running_testbed(other))}
        for turn in range(turns):
            for kind, clients in [(kind, clients) for kind in measurements.KINDS for clients in measurements.CLIENTS]:
                print(f"turn {turn + 1} of {turns}: {kind}, {clients} clients", file=sys.stderr, flush=True)
                for name in sorted(stages, reverse=turn % 2 == 0):
                    measured = measurements.run_kind(stages[name], kind, clients, seconds)
                    found.setdefault((kind, clients, name), []).append(measured)
    rows = []
    for (kind, clients, name), rounds in sorted(found.items()):
        rate, p50, p99 = measurements.median_rate(rounds, kind), measurements.median_ms(rounds, 50), measurements.median_ms(rounds, 99)
        share = rate / measurements.median_rate(found[kind, clients, "other"], kind)
        times = f"{p50:.1f}", f"{p99:.1f}", f"{p99 / p50:.1f}"
        rows.append((kind, clients, name, f"{rate:,.1f}", f"{share:.0%}", *times, sum(each.bad for each in rounds)))
    return table(("", "clients", "checkout", "a second", "of other's", "p50 ms", "p99 ms", "p99 / p50", "5xx"), rows)


if __name__ == "__main__":
    main()
