"""This checkout and another one, loaded in turns on the same machine."""

import sys
from contextlib import ExitStack
from pathlib import Path

from bench.load_generator import LoadResult
from bench.requests import CLIENTS, KINDS, median_ms, median_rate, run_kind
from bench.testbed import running_testbed
from tests.support.reports import table


def compare(other: Path, seconds: float, turns: int) -> str:
    """Load this product and that of another checkout in turns; return a table of medians."""
    found: dict[tuple[str, int, str], list[LoadResult]] = {}
    with ExitStack() as stack:
        stages = {"this": stack.enter_context(running_testbed()), "other": stack.enter_context(running_testbed(other))}
        for turn in range(turns):
            for kind, clients in [(kind, clients) for kind in KINDS for clients in CLIENTS]:
                print(f"turn {turn + 1} of {turns}: {kind}, {clients} clients", file=sys.stderr, flush=True)
                for name in sorted(stages, reverse=turn % 2 == 0):
                    result = run_kind(stages[name], kind, clients, seconds)
                    found.setdefault((kind, clients, name), []).append(result)
    rows = []
    for (kind, clients, name), rounds in sorted(found.items()):
        rate = median_rate(rounds, kind)
        p50, p99 = median_ms(rounds, 50), median_ms(rounds, 99)
        share = rate / median_rate(found[kind, clients, "other"], kind)
        times = f"{p50:.1f}", f"{p99:.1f}", f"{p99 / p50:.1f}"
        rows.append((kind, clients, name, f"{rate:,.1f}", f"{share:.0%}", *times, sum(each.failed for each in rounds)))
    head = "", "clients", "checkout", "per second", "share of other's rate", "p50 ms", "p99 ms", "p99 / p50", "failed"
    return table(head, rows)
