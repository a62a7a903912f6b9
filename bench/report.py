"""docs/benchmarks.md: tables that are written anew each time and never by hand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from bench import growth, memory, page, pickup, readiness
from bench.growth import Reading
from bench.memory import Weight
from bench.page import Page
from bench.polling import POLL_SECONDS, Watching
from bench.throughput import MOST_CONNECTIONS, Row
from tests.support.reports import setting, table

HEAD = """# Benchmarks

How fast the product is, beside the limits of what it stands on. This page is written by `make bench` and never edited
by hand. One machine carries the product, its PostgreSQL and Redis, and the load generator, all at once; so absolute
figures say little, and the ratios, whose two sides were measured turn by turn in the same minutes, say what can be
compared.
"""

WANTED = "What is wanted stands in the first table; where it was not reached, it says so."


@dataclass
class Findings:
    """What was measured; what was not asked for is None."""

    throughput: list[Row] | None = None
    pickup: dict[str, list[float]] | None = None
    memory: list[Weight] | None = None
    readiness: dict[str, list[float]] | None = None
    growth: list[Reading] | None = None
    polling: Watching | None = None
    page: Page | None = None
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)


@dataclass
class Judged:
    """A thing wanted, and what was found."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, what: str, wanted: str, found: str, reached: bool) -> None:
        """Note it."""
        self.rows.append((what, wanted, found, "yes" if reached else "**no**"))


def render(found: Findings) -> str:
    """The whole page."""
    sections = [
        HEAD,
        setting(Command="`make bench`", Seed="none; nothing here is random", Took=f"{found.seconds / 60:.1f} min"),
        *(f"**Not measured, because it broke off: {name}.**\n" for name in found.failed),
        "## What is wanted\n",
        table(("", "wanted", "found", "reached"), judge(found).rows),
        *_throughput(found.throughput or []),
        *_pickup(found.pickup or {}),
        *_memory(found.memory or []),
        *_readiness(found.readiness or {}),
        *_growth(found.growth or []),
        *(_polling(found.polling) if found.polling else []),
        *(page.render(found.page) if found.page else []),
    ]
    return "\n".join(sections)


def judge(found: Findings) -> Judged:
    """Hold what was found against what is wanted."""
    judged = Judged()
    _judge_throughput(judged, found.throughput or [])
    if found.pickup:
        names = ("ours", "bare Celery")
        ours, bare = (pickup.half(found.pickup[f"{name}, from the answer"]) for name in names)
        longer, shorter = (pickup.half(found.pickup[f"{name}, from asking"]) for name in names)
        told = f"{ours:.1f} ms, beside {bare:.1f} ms; from asking {longer:.1f} and {shorter:.1f} ms"
        judged.add("`/start` answered → received, beside bare Celery", "≤ 1.5 ×", told, ours <= 1.5 * bare)
    for path in growth.PATHS if found.growth else ():
        first, *_, last = [each for each in found.growth or [] if each.path == path]
        change = last.share / first.share - 1
        told = f"{change:+.0%} beside a reading of something else"
        judged.add(f"`/{path}`, 10³ → 10⁶ runs", "flat (± 10 %)", told, abs(change) <= 0.1)
    if watching := found.polling:
        cores = sum(watching.cores.values())
        judged.add(f"{watching.pages} open pages", "≤ 0.5 of a core", f"{cores:.2f}", cores <= 0.5)
    if found.memory:
        web = next(weight for weight in found.memory if weight.name == "web")
        grown = web.afterwards / web.at_rest - 1
        judged.add(f"memory of web after {memory.REQUESTS:,} requests", "no growth", f"{grown:+.1%}", grown <= 0.05)
    return judged


def _judge_throughput(judged: Judged, rows: list[Row]) -> None:
    least = {0: 0.09, 1: 0.15}
    for number, (name, members) in enumerate(groupby(rows, key=lambda row: row.kind.name)):
        by_clients = {row.clients: row for row in members}
        eight = by_clients[8]
        share = least[number]
        judged.add(f"{name}, 8 clients", f"≥ {share:.0%} of the limit", f"{eight.ratio:.1%}", eight.ratio >= share)
        spread = eight.ours.ms(99) / eight.ours.ms(50)
        judged.add(f"{name}, 8 clients, p99 / p50", "≤ 4", f"{spread:.1f}", spread <= 4)
        for clients in (32, 200):
            row = by_clients[clients]
            share, worst = row.rate / eight.rate, row.ours.ms(100)
            judged.add(
                f"{name}, {clients} clients",
                "≥ 80 % of the rate at 8, no answer above 2 s, no 5xx",
                f"{share:.0%}, slowest {worst:.0f} ms, {row.ours.bad} bad",
                share >= 0.8 and worst <= 2000 and not row.ours.bad,
            )


def _throughput(rows: list[Row]) -> Iterable[str]:
    if not rows:
        return
    yield "\n## Requests a second\n"
    yield (
        "*Limit*: pgbench with the same statements of the request itself (for the cycle the INSERT and the UPDATE),\n"
        f"as many clients ({MOST_CONNECTIONS} at most), prepared; no web server, no sign-in, no message. A *cycle* is\n"
        "`POST /start` and `POST /abort`, one user per client, which publishes a message, stamps it, writes the\n"
        "timeline, and is received by a worker. Every request carries a token that is looked up. Times are of single\n"
        "requests.\n"
    )
    times = "p50 ms", "p95 ms", "p99 ms", "slowest ms"
    yield table(("", "clients", "a second", "limit", "of the limit", *times, "bad answers"), map(_throughput_row, rows))


def _throughput_row(row: Row) -> tuple[object, ...]:
    times = [f"{row.ours.ms(percent):.1f}" for percent in (50, 95, 99, 100)]
    return row.kind.name, row.clients, f"{row.rate:,.0f}", f"{row.limit:,.0f}", f"{row.ratio:.1%}", *times, row.ours.bad


def _pickup(times: dict[str, list[float]]) -> Iterable[str]:
    if not times:
        return
    yield "\n## From a start to its receipt\n"
    yield (
        f"{pickup.STARTS} one after the other. *Asking* is the moment before `POST /start`, or before `apply_async`.\n"
        "A start publishes before it answers; so the worker may have the message before the client has the answer.\n"
    )
    yield table(("", "median ms"), [(name, f"{pickup.half(seconds):.2f}") for name, seconds in times.items()])


def _memory(weights: list[Weight]) -> Iterable[str]:
    if not weights:
        return
    yield f"\n## Memory, at rest and after {memory.REQUESTS:,} requests\n"
    yield "Proportional set size: what several processes share is counted once.\n"
    rows = [(each.name, each.processes, f"{each.at_rest:.0f}", f"{each.afterwards:.0f}") for each in weights]
    sums = (sum(each.at_rest for each in weights), sum(each.afterwards for each in weights))
    whole = ("all", sum(each.processes for each in weights), *(f"{each:.0f}" for each in sums))
    yield table(("", "processes", "at rest MiB", "afterwards MiB"), [*rows, whole])


def _readiness(times: dict[str, list[float]]) -> Iterable[str]:
    if not times:
        return
    yield "\n## Until the product is ready\n"
    rows = [(name, f"{readiness.half(each):.1f}", ", ".join(f"{s:.1f}" for s in each)) for name, each in times.items()]
    yield table(("", "median s", "all"), rows)


def _growth(readings: list[Reading]) -> Iterable[str]:
    if not readings:
        return
    yield "\n## As runs pile up\n"
    yield (
        f"{growth.CLIENTS} clients, to whom half of all runs belong. The yardstick is `/{growth.YARDSTICK}`, which\n"
        "knows nothing of runs, read turn by turn with the others: what a machine does by the minute is in both.\n"
    )
    yield table(("", "runs", "req/s", "p50 ms", "of the yardstick"), map(_growth_row, readings))


def _growth_row(each: Reading) -> tuple[object, ...]:
    return f"`/{each.path}`", f"{each.runs:,}", f"{each.rate:,.0f}", f"{each.half_ms:.2f}", f"{each.share:.0%}"


def _polling(watching: Watching) -> Iterable[str]:
    yield "\n## Open pages\n"
    answers = watching.answers
    yield (
        f"{watching.pages} pages, each of which watches a run and asks every {POLL_SECONDS} s:\n"
        f"{answers.rate:.0f} requests a second, p50 {answers.ms(50):.1f} ms, p99 {answers.ms(99):.1f} ms,"
        f" {answers.bad} bad answers.\n"
    )
    yield table(("", "cores"), [(name, f"{share:.3f}") for name, share in watching.cores.items()])
