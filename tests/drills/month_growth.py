"""The figures of a day of the month, and what may grow from one day to a later one."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.drills import faults
from tests.support.product import Product

HISTORY = {
    "ingestion_runs", "run_events", "run_companies", "run_closings", "listings", "postings", "posting_revisions",
    "posting_events", "jobs", "job_events",
}
"""The tables that must grow: the history of runs, of listings, of postings and of jobs."""

OF_PROCESSES = {"heartbeats"}
"""The tables that have a row for each process that ever worked. There are a few: none is replaced in this month."""

MAX_PROCESSES = 12

MAX_MEMORY_GROWTH, MAX_MEMORY_GROWTH_MB = 1.1, 20
"""A program may grow by this share, or by this much if that is more: allocators and caches fill for some days."""

POSTGRES = "postgres"
"""The program whose memory grows with the database up to its shared buffers, and whose sessions open its files."""

MAX_LOG_GROWTH = 1.1
"""The last day's log, compared with the median day's."""

MAX_TIME_GROWTH = 1.5
MAX_FILES_GROWTH, MAX_KEYS_GROWTH = 10, 10
"""Connections and keys that expire come and go."""

TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND relname <> 'write_record' ORDER BY relname"
)
"""The product's tables; ``write_record`` is the drills' own."""

DATABASE_BYTES = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True)
class Day:
    """The figures of one day."""

    number: int
    seconds: float
    """From the first preview to the end of the last run."""
    looks_seconds: float
    """The seconds that the second looks of the day took."""
    memory: dict[str, float]
    """The memory of each program in MB: the proportional set size of its processes."""
    open_files: dict[str, int]
    rows: dict[str, int]
    database_mb: float
    redis_mb: float
    redis_keys: int
    log_kb: float


def measure(product: Product, number: int, seconds: float, looks_seconds: float, log_before: int) -> Day:
    """Return the figures of the day that ends now; ``log_before`` is the size of the log at its begin, in bytes."""
    rows = {name: product.sql(f"SELECT count(*) FROM {name}")[0][0] for (name,) in product.sql(TABLES)}
    processes = {name: faults.all_processes(product, name) for name in faults.COMMAND_LINES}
    with product.broker() as broker:
        redis_mb, keys = broker.info("memory")["used_memory"] / 1e6, broker.dbsize()
    return Day(
        number,
        seconds,
        looks_seconds,
        {name: sum(each.memory_full_info().pss for each in group) / 1e6 for name, group in processes.items()},
        {name: sum(each.num_fds() for each in group) for name, group in processes.items()},
        rows,
        product.sql(DATABASE_BYTES)[0][0] / 1e6,
        redis_mb,
        keys,
        (product.log.stat().st_size - log_before) / 1e3,
    )


def grown(early: Day, days: Sequence[Day]) -> list[str]:
    """Return a sentence for each thing that has grown from an early day to the last one, and must not."""
    late = days[-1]
    limits = [
        *((f"memory of {name}, MB", size, late.memory[name],
           max(size * MAX_MEMORY_GROWTH, size + MAX_MEMORY_GROWTH_MB))
          for name, size in early.memory.items() if name != POSTGRES),
        *((f"open files of {name}", number, late.open_files[name], number + MAX_FILES_GROWTH)
          for name, number in early.open_files.items() if name != POSTGRES),
        *((f"rows of {name}", number, late.rows[name], MAX_PROCESSES if name in OF_PROCESSES else number)
          for name, number in early.rows.items() if name not in HISTORY),
        ("keys in Redis", early.redis_keys, late.redis_keys, early.redis_keys + MAX_KEYS_GROWTH),
        ("log, kB", median(day.log_kb for day in days[1:]), late.log_kb,
         MAX_LOG_GROWTH * median(day.log_kb for day in days[1:])),
        ("seconds of the runs", early.seconds, late.seconds, MAX_TIME_GROWTH * early.seconds + 1),
    ]
    return [f"{what}: grew from {before:.0f} to {after:.0f}" for what, before, after, limit in limits if after > limit]


def side_by_side(early: Day, late: Day) -> list[list[Any]]:
    """Return the table of two days."""
    rows: list[list[Any]] = [["of a day", f"day {early.number}", f"day {late.number}"]]
    rows.append(["previews and runs, s", f"{early.seconds:.1f}", f"{late.seconds:.1f}"])
    rows.append(["second looks, s", f"{early.looks_seconds:.1f}", f"{late.looks_seconds:.1f}"])
    for name, size in early.memory.items():
        rows.append([f"memory of {name}, MB", f"{size:.0f}", f"{late.memory[name]:.0f}"])
    rows += [[f"open files of {name}", size, late.open_files[name]] for name, size in early.open_files.items()]
    rows.append(["database, MB", f"{early.database_mb:.0f}", f"{late.database_mb:.0f}"])
    rows += [[f"rows of {name}", f"{size:,}", f"{late.rows[name]:,}"] for name, size in early.rows.items()]
    rows.append(["Redis, MB", f"{early.redis_mb:.1f}", f"{late.redis_mb:.1f}"])
    rows.append(["keys in Redis", early.redis_keys, late.redis_keys])
    rows.append(["log, kB", f"{early.log_kb:.0f}", f"{late.log_kb:.0f}"])
    return rows
