"""The load generator: users who start, read and abort until a block ends."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Lock

from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import Reply, User
from tests.support.waiting import wait_until

POSTINGS = 20
BOARDS_OF_USER = 2
READING_SECONDS = 0.3
"""The delay of each board. A reading serves later runs, so only the first runs of a user wait for it."""

ENDED = """
SELECT runs.user_id, runs.id, runs.status, runs.jobs_ready,
       (SELECT coalesce(sum(new_jobs), 0) FROM run_companies WHERE run_id = runs.id),
       (SELECT count(*) FROM job_events WHERE run_id = runs.id AND kind = 'new'),
       (SELECT count(*) FROM jobs WHERE jobs.user_id = runs.user_id)
FROM ingestion_runs AS runs ORDER BY runs.id
"""

MAX_SEARCHED = 2000
"""The number of latest replies that ``good_since`` searches."""


class LoadRecorder:
    """The replies to requests under load."""

    def __init__(self) -> None:
        self.done = Event()
        self.lock = Lock()
        self.replies: list[Reply] = []

    def record(self, reply: Reply) -> Reply:
        """Append a reply, and return it."""
        with self.lock:
            self.replies.append(reply)
        return reply

    @property
    def statuses(self) -> Counter[str]:
        """The number of answers by status; ``none`` counts requests without an answer."""
        return Counter(str(reply.status or "none") for reply in self.replies)

    def good_since(self, moment: datetime) -> datetime | None:
        """Return the time of the first good answer (200, 201 or 409) to a request sent after ``moment``, or None."""
        replies = [reply for reply in reversed(self.replies[-MAX_SEARCHED:]) if reply.began > moment]
        return min((reply.ended for reply in replies if reply.status in (200, 201, 409)), default=None)

    @property
    def slowest(self) -> float:
        """The longest answer time in seconds."""
        return max((reply.seconds for reply in self.replies), default=0.0)


def wait_for_good_answer(load: LoadRecorder, since: datetime, seconds: float = 60) -> float:
    """Wait for the first good answer to a request sent after ``since``; return the seconds until it came."""
    found = wait_until(lambda: load.good_since(since), seconds, "a good answer")
    return (found - since).total_seconds()


def users_with_boards(testbed: Testbed, count: int) -> list[User]:
    """Create users, each with boards of their own that answer soon. Runs of one user do not wait for another's."""
    users = testbed.users(count)
    for user in users:
        user.choose(testbed.serve(BOARDS_OF_USER, POSTINGS, READING_SECONDS))
    return users


def check_runs(testbed: Testbed, users: list[User]) -> dict[str, int]:
    """Let each user start a last run, undisturbed; check that every run ended truly. Return the ended runs by status.

    The runs of a user together brought each posting once; a finished one left nothing that a later one could bring.
    """
    testbed.wait_until_all_ended()
    for user in users:
        user.start_until_answered(f"last-{user.user_id}")
    testbed.wait_until_all_ended()
    rows = testbed.product.sql(ENDED)
    wanted = BOARDS_OF_USER * POSTINGS
    brought = Counter[int]()
    complete = set()
    for user_id, run_id, status, _, counted, told, jobs in rows:
        if status not in ("finished", "aborted"):
            testbed.record_violation(f"run {run_id} ended as {status}")
        if counted != told:
            testbed.record_violation(f"run {run_id} counts {counted} new jobs, and brought {told}")
        if told and user_id in complete:
            testbed.record_violation(f"run {run_id} brought {told} jobs after a run that had finished")
        brought[user_id] += told
        if status == "finished":
            complete.add(user_id)
            if brought[user_id] != wanted or jobs != wanted:
                testbed.record_violation(f"run {run_id} finished with {brought[user_id]} of {wanted} jobs, {jobs} now")
    for user in users:
        if user.user_id not in complete:
            testbed.record_violation(f"no run of user {user.user_id} finished")
    return dict(Counter(row[2] for row in rows))


@contextmanager
def under_load(users: list[User], abort_share: float = 0.5) -> Iterator[LoadRecorder]:
    """Inside this block, let each user start (with a key, repeated until it is answered), read and abort."""
    load = LoadRecorder()
    with ThreadPoolExecutor(len(users)) as pool:
        loops = [pool.submit(_use_product, load, user, abort_share) for user in users]
        try:
            yield load
        finally:
            load.done.set()
        for loop in loops:
            loop.result()


def _use_product(load: LoadRecorder, user: User, abort_share: float) -> None:
    number = 0
    while not load.done.is_set():
        number += 1
        run_id = _start(load, user, f"{user.user_id}-{number}")
        for _ in range(user.random.randint(1, 3)):
            load.record(user.get_current_run())
            if run_id is not None:
                load.record(user.get_run(run_id))
        if run_id is not None and user.random.random() < abort_share:
            load.record(user.abort(run_id))
        sleep_for(user.random.uniform(0, 0.05))


def _start(load: LoadRecorder, user: User, key: str) -> int | None:
    """Start with this key until it is answered; return the run, or None if the load ended first."""
    while not load.done.is_set():
        reply = load.record(user.start(key))
        if reply.status in (200, 201, 409):
            return reply.run_id
        sleep_for(user.random.uniform(0.05, 0.3))
    return None
