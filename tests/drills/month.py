"""A month in small: many boards, a preview and a run a day of each user, unattended. Nothing grows but what must."""

import time
from datetime import datetime, timedelta

from app.services.boards import outbox
from tests.drills.drill_product import DrillProduct
from tests.drills.month_boards import MonthBoard, begin_day, running_month_boards
from tests.drills.month_growth import Day, grown, measure, side_by_side
from tests.drills.registry import NONE, drill
from tests.drills.results import DrillOptions, Outcome
from tests.drills.shifted_time import ShiftedTime
from tests.drills.testbed import Testbed, running_testbed
from tests.drills.users import User
from tests.faults.history import ClientLog
from tests.support.boards import environment
from tests.support.waiting import wait_until

GROUP = "A month in small"

BOARDS, USERS, DAYS = 1_000, 20, 30
LOOKS_AFTER = timedelta(hours=8)
"""The time from the runs of a day to its second looks, longer than SECOND_LOOK_SECONDS."""

COMPARED_DAY = 2
MAX_DAY_SECONDS = 600

SETTINGS = {"INGESTION": "run", "RUN_SECONDS": "86400"}

UNENDED = "SELECT count(*) FROM {} WHERE finished_at IS NULL"
UNDONE = """
SELECT 1 FROM boards WHERE lease_id IS NOT NULL OR look_again_at <= clock_now()
UNION ALL SELECT 1 FROM removed_previews LIMIT 1
"""
"""One row while boards are read, second looks are due, or postings of removed previews are left."""

LAST_RUN = "SELECT coalesce(max(id), 0) FROM ingestion_runs"
DAY_OF_RUNS = (
    "SELECT status, sum(jobs_ready), sum(jobs_skipped), sum(jobs_expired), sum(jobs_failed), count(*)"
    " FROM ingestion_runs WHERE id > %s GROUP BY status"
)
ALL_ROWS = {
    "runs": "SELECT count(*) FROM ingestion_runs",
    "companies of runs": "SELECT count(*) FROM run_companies",
    "open jobs": "SELECT count(*) FROM jobs WHERE status <> 'expired'",
    "jobs": "SELECT count(*) FROM jobs",
    "postings": "SELECT count(*) FROM postings",
    "revisions": "SELECT count(*) FROM posting_revisions",
    "previews": "SELECT count(*) FROM previews",
}


@drill("a month in small", GROUP, NONE)
def month_in_small(options: DrillOptions) -> Outcome:
    """Twenty users have 1,000 boards (with --scale 10: 10,000), which are read without a pace. For 30 days each user
    has a preview and a run a day, unattended; each day one board in twenty changes. Each run counts what its boards
    changed, and at the end each table has exactly the rows that follow from that. Memory, disk, log and times of the
    second and the last day stand side by side: nothing grows but the history of runs, listings, postings and jobs.
    """
    boards = [MonthBoard(number) for number in range(max(USERS, round(BOARDS * options.scale)))]
    settings = {**SETTINGS, "WEB_WORKERS": "1"}
    with (
        running_month_boards() as url,
        running_testbed(DrillProduct, 1, **settings, **environment(url)) as testbed,
    ):
        testbed.reset(options.seed)
        testbed.max_wait = None
        month = Month(testbed, boards, url)
        days = [month.live(number) for number in range(1, _days(options) + 1)]
        month.check_rows(len(days))
        early, late = days[COMPARED_DAY - 1], days[-1]
        violations = [*grown(early, days), *testbed.verdict()]
    facts = {"boards": len(boards), "users": USERS, "days": len(days)}
    seconds = [day.seconds for day in days[1:]]
    return Outcome(
        USERS * len(days), "runs", seconds, "a day's runs", facts, violations, side_by_side(early, late)
    )


def _days(options: DrillOptions) -> int:
    """Return the number of days; a smaller drill has fewer, but enough to compare two of them."""
    return max(COMPARED_DAY + 2, round(DAYS * min(1, options.scale)))


class Month:
    """The users, the boards, and the days that pass."""

    def __init__(self, testbed: Testbed, boards: list[MonthBoard], url: str) -> None:
        self._testbed, self._boards, self._url = testbed, boards, url
        self._time = ShiftedTime(testbed.product.sql)
        testbed.log = ClientLog(complete=True, to_product=self._time.product_time)
        self._first = self._time.now()
        self._users = testbed.users(USERS, boards=0)
        for number, user in enumerate(self._users):
            user.choose([board.name for board in boards[number::USERS]])

    def live(self, number: int) -> Day:
        """Live through a day: previews and runs of all users in the morning, and second looks in the afternoon."""
        product, morning = self._testbed.product, self._first + timedelta(days=number)
        begin_day(self._url, number - 1)
        self._time.advance_to(morning)
        log_before, [(last_run,)] = product.log.stat().st_size, product.sql(LAST_RUN)
        began = time.monotonic()
        self._testbed.run_concurrently(_preview, self._users)
        self._wait_until_none_is_left("previews")
        self._testbed.run_concurrently(lambda user: user.start(key=f"day-{number}"), self._users)
        self._wait_until_none_is_left("ingestion_runs")
        seconds = time.monotonic() - began
        self._check_counts(number, last_run)
        looks_seconds = self._have_second_looks(morning + LOOKS_AFTER)
        day = measure(product, number, seconds, looks_seconds, log_before)
        print(f"    day {number}: {seconds:.1f} s, second looks {looks_seconds:.1f} s", flush=True)
        return day

    def check_rows(self, days: int) -> None:
        """Record a violation for each table that has not exactly the rows that follow from the boards' changes."""
        size = sum(board.size for board in self._boards)
        changes = sum(board.changes(days - 1) for board in self._boards)
        expected = {
            "runs": USERS * days,
            "companies of runs": len(self._boards) * days,
            # The last day's changes: what they took away has been missed, and no run has noted it yet.
            "open jobs": size + changes - sum(board.changes(days - 2) for board in self._boards),
            "jobs": size + changes,
            "postings": size + changes,
            "revisions": size + 2 * changes,
            # A user's new preview removes those before their last one.
            "previews": 2 * USERS,
        }
        for name, statement in ALL_ROWS.items():
            [(found,)] = self._testbed.product.sql(statement)
            if found != expected[name]:
                self._testbed.record_violation(f"after day {days} there are {found} {name}, and not {expected[name]}")

    def _check_counts(self, number: int, last_run: int) -> None:
        """Record a violation if the counts of the day's runs are not those of the changes of their boards."""
        today, yesterday, before = number - 1, number - 2, number - 3
        total = sum(board.size for board in self._boards)
        changed = sum(board.changes(today) - board.changes(yesterday) for board in self._boards) if today else 0
        gone = sum(board.changes(yesterday) - board.changes(before) for board in self._boards) if yesterday > 0 else 0
        ready = total if not today else 2 * changed
        expected = [("finished", ready, total - ready, gone, 0, USERS)]
        if (found := self._testbed.product.sql(DAY_OF_RUNS, last_run)) != expected:
            self._testbed.record_violation(f"day {number}: the runs' counts are {found}, and not {expected}")

    def _have_second_looks(self, afternoon: datetime) -> float:
        """Let the afternoon begin, and wait until its second looks are done; return their seconds."""
        began = time.monotonic()
        self._time.advance_to(afternoon)
        with self._testbed.app.app_context():
            outbox.wake_readers(0, 2)
        left = f"the second looks of {afternoon:%d %B}"
        wait_until(lambda: not self._testbed.product.sql(UNDONE), MAX_DAY_SECONDS, left, pause=0.2)
        return time.monotonic() - began

    def _wait_until_none_is_left(self, table: str) -> None:
        left = UNENDED.format(table)
        wait_until(lambda: self._testbed.product.sql(left) == [(0,)], MAX_DAY_SECONDS, f"the end of {table}", pause=0.2)


def _preview(user: User) -> None:
    """Begin a preview of this user."""
    reply = user.request("POST", "/api/ingestion/dry-run", 60, body={})
    assert reply.status in (200, 201, 202), reply
