"""A month in small: many boards, a run a day of each user, unattended. Nothing grows but what must."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from app.services.boards import outbox as board_outbox
from tests.drills import faults
from tests.drills.drill_product import DrillProduct
from tests.drills.month_boards import MonthBoard, begin_day, running_month_boards
from tests.drills.registry import NONE, drill
from tests.drills.results import DrillOptions, Outcome
from tests.drills.shifted_time import ShiftedLog, ShiftedTime
from tests.drills.testbed import Testbed, running_testbed
from tests.drills.users import User
from tests.support.boards import environment
from tests.support.waiting import wait_until

GROUP = "A month in small"

BOARDS, USERS, DAYS = 10_000, 20, 5
SECOND_LOOKS_AFTER = timedelta(hours=8)
MAX_DAY_SECONDS = 3600
COMPARED_DAY = 2

SETTINGS = {"INGESTION": "run", "RUN_SECONDS": "86400"}

MUST_GROW = {
    "ingestion_runs", "run_events", "run_companies", "run_closings", "listings", "postings", "posting_revisions",
    "posting_events", "jobs", "job_events", "heartbeats",
}
"""The tables that are a history: of runs, of listings, of postings and of jobs. Heartbeats have a row a process."""

MAX_MEMORY_GROWTH = 1.25
MAX_MEMORY_GROWTH_MB = 40
"""A program may grow by this share and this much from the compared day to the last one."""

MAX_LOG_GROWTH = 1.2

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
UNENDED = "SELECT count(*) FROM ingestion_runs WHERE finished_at IS NULL"
BEING_READ = "SELECT 1 FROM boards WHERE lease_id IS NOT NULL OR second_look_at <= clock_now() LIMIT 1"
DAY_OF_RUNS = (
    "SELECT status, sum(jobs_ready), sum(jobs_skipped), sum(jobs_expired), sum(jobs_failed), count(*)"
    " FROM ingestion_runs WHERE id > %s GROUP BY status"
)


@dataclass(frozen=True)
class Day:
    """The figures of one day."""

    number: int
    seconds: float
    """From the first start to the end of the last run."""
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


@drill("a month in small", GROUP, NONE)
def month_in_small(options: DrillOptions) -> Outcome:
    """Twenty users have 10,000 boards, a run a day each, for 30 days and unattended. Each day one board in twenty
    changes. Each run counts what its boards changed. Memory, disk, log and times of the second and the last day stand
    side by side: nothing grows but the history of runs, listings, postings and jobs.
    """
    boards = [MonthBoard(number) for number in range(max(USERS, round(BOARDS * options.scale)))]
    with (
        running_month_boards() as url,
        running_testbed(DrillProduct, 1, **SETTINGS, **environment(url)) as testbed,
    ):
        testbed.reset(options.seed)
        testbed.max_wait = None
        clock = ShiftedTime(testbed.product.sql)
        testbed.log, first = ShiftedLog(clock), clock.now()
        users = testbed.users(USERS)
        for number, user in enumerate(users):
            user.choose([board.name for board in boards[number::USERS]])
        days = []
        for number in range(1, DAYS + 1):
            begin_day(url, number - 1)
            days.append(_live(testbed, users, boards, clock, first + timedelta(days=number), number))
        violations = [*_growth(days), *testbed.verdict()]
    early, late = days[COMPARED_DAY - 1], days[-1]
    facts = {"boards": len(boards), "users": USERS, "days": len(days)}
    seconds = [day.seconds for day in days[1:]]
    return Outcome(USERS * len(days), "runs", seconds, "a day's runs", facts, violations, _table(early, late))


def _live(
    testbed: Testbed, users: list[User], boards: list[MonthBoard], clock: ShiftedTime, morning: datetime, number: int
) -> Day:
    """Live through one day: all users run in the morning, and second looks follow in the afternoon."""
    product = testbed.product
    clock.advance_to(morning)
    before = product.log.stat().st_size
    last_run = product.sql("SELECT coalesce(max(id), 0) FROM ingestion_runs")[0][0]
    began = time.monotonic()
    testbed.run_concurrently(lambda user: user.start(), users)
    wait_until(lambda: product.sql(UNENDED) == [(0,)], MAX_DAY_SECONDS, "the end of the day's runs", pause=0.2)
    seconds = time.monotonic() - began
    _check_counts(testbed, boards, number, last_run)
    began = time.monotonic()
    clock.advance_to(morning + SECOND_LOOKS_AFTER)
    with testbed.app.app_context():
        board_outbox.wake_readers(0, 2)
    wait_until(lambda: not product.sql(BEING_READ), MAX_DAY_SECONDS, "the day's second looks", pause=0.2)
    looks_seconds = time.monotonic() - began
    day = _measure(testbed, number, seconds, looks_seconds, before)
    print(f"    day {number}: {seconds:.1f} s, second looks {looks_seconds:.1f} s", flush=True)
    return day


def _check_counts(testbed: Testbed, boards: list[MonthBoard], number: int, last_run: int) -> None:
    """Record a violation if the counts of the day's runs are not those of the changes of their boards."""
    today, yesterday, before = number - 1, number - 2, number - 3
    total = sum(board.size for board in boards)
    changed = sum(board.changes(today) - board.changes(yesterday) for board in boards) if today else 0
    gone = sum(board.changes(yesterday) - board.changes(before) for board in boards) if yesterday > 0 else 0
    ready = total if not today else 2 * changed
    expected = [("finished", ready, total - ready, gone, 0, USERS)]
    if (found := testbed.product.sql(DAY_OF_RUNS, last_run)) != expected:
        testbed.record_violation(f"day {number}: the runs' counts are {found}, and not {expected}")


def _measure(testbed: Testbed, number: int, seconds: float, looks_seconds: float, log_before: int) -> Day:
    product = testbed.product
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
        product.sql("SELECT pg_database_size(current_database())")[0][0] / 1e6,
        redis_mb,
        keys,
        (product.log.stat().st_size - log_before) / 1e3,
    )


def _growth(days: list[Day]) -> list[str]:
    """Return a sentence for each thing that has grown, and must not."""
    early, late = days[COMPARED_DAY - 1], days[-1]
    found = [
        f"{name} grew from {early.memory[name]:.0f} to {late.memory[name]:.0f} MB"
        for name in early.memory
        if late.memory[name] > early.memory[name] * MAX_MEMORY_GROWTH + MAX_MEMORY_GROWTH_MB
    ]
    found += [
        f"table {name} grew from {early.rows[name]} to {late.rows[name]} rows"
        for name in early.rows
        if name not in MUST_GROW and late.rows[name] > early.rows[name]
    ]
    logs = [day.log_kb for day in days[1:]]
    if late.log_kb > MAX_LOG_GROWTH * median(logs):
        found.append(f"the last day's log has {late.log_kb:.0f} kB; the median is {median(logs):.0f} kB")
    if late.redis_keys > early.redis_keys + 10:
        found.append(f"Redis grew from {early.redis_keys} to {late.redis_keys} keys")
    return found


def _table(early: Day, late: Day) -> list[list[Any]]:
    rows: list[list[Any]] = [["of a day", f"day {early.number}", f"day {late.number}"]]
    rows.append(["all runs, s", f"{early.seconds:.1f}", f"{late.seconds:.1f}"])
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
