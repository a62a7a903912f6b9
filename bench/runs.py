"""Runs that ingest, measured on the whole product: from the request to the end, idle and beside another user's run."""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench.boards_load import begin_preview, boards_testbed, call, companies_at, finished_previews
from bench.findings import Finding, Findings, at_most, milliseconds, percentile, plain
from bench.testbed import Testbed
from tests.support.product import Product
from tests.support.waiting import wait_until

FRESH_BOARDS, FRESH_POSTINGS = 300, 20
FRESH_USERS = 3

SMALL_POSTINGS = 50
MAX_FRESH_SECONDS, MAX_IDLE_MS, MAX_BESIDE_SECONDS = 5, 300, 1
IDLE_RUNS = 40

OTHER_BOARDS = 300
OTHER_USERS = 3
"""Users who have that many boards read and taken in, one after the other, beside the small runs."""

SETTINGS = {"INGESTION": "run"}
MAX_RUN_SECONDS = 300
"""Seconds after which a benchmark gives a run up."""

ABORT_BOARDS, ABORT_POSTINGS = 10, 1_000
ABORTED_RUNS, ABORTED_AT_ONCE = 30, 2
MAX_ABORT_SECONDS = 1.5

HAS_JOBS = "SELECT EXISTS (SELECT FROM jobs WHERE run_id = %s)"
WRITTEN_LATE = (
    "SELECT count(*) FROM jobs JOIN ingestion_runs run ON run.id = jobs.run_id"
    " WHERE run.status = 'aborted' AND jobs.updated_at > run.finished_at"
)

END = "SELECT extract(epoch FROM finished_at), status FROM ingestion_runs WHERE id = %s"
SEQUENCES = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences"
NEXT_TRANSACTION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
JOBS_WRITTEN = "SELECT count(*) FROM jobs WHERE xmin::text::bigint >= %s"

OF_RUNS = {"ingestion_runs_id_seq"}
"""The sequences that a run moves for itself."""


def fresh_run() -> Findings:
    """Measure runs of many companies on fresh boards, and what a second run of the same user writes."""
    boards = [f"sound-{number}" for number in range(FRESH_BOARDS)]
    with boards_testbed(FRESH_POSTINGS, **SETTINGS) as (testbed, _):
        _read(testbed, 0, boards)
        testbed.product.sql("VACUUM ANALYZE boards, listings, postings, posting_revisions, companies")
        for user in range(1, FRESH_USERS + 1):
            _choose(testbed, user, boards)
        first = [_run(testbed, user) for user in range(1, FRESH_USERS + 1)]
        [(jobs,)] = testbed.product.sql(f"SELECT count(*) / {FRESH_USERS} FROM jobs")
        before, [(transaction,)] = _sequences(testbed.product), testbed.product.sql(NEXT_TRANSACTION)
        second = [_run(testbed, user) for user in range(1, FRESH_USERS + 1)]
        moved = _moved(before, _sequences(testbed.product))
        [(written,)] = testbed.product.sql(JOBS_WRITTEN, transaction)
    what = f"a run of {FRESH_BOARDS} companies and {jobs:,} postings, all boards fresh: start → finished"
    yield at_most(what, MAX_FRESH_SECONDS, "s", median(first), _seconds(first))
    yield plain("a second run of them: start → finished", _seconds(second))
    what, found = "a second run of them: sequences moved, rows of jobs written", f"{moved}, {written}"
    yield Finding(what, "none, 0", found, found == "none, 0")


def small_run() -> Findings:
    """Measure runs of one company on a fresh board: alone, and while the boards of another user are read."""
    with boards_testbed(SMALL_POSTINGS, **SETTINGS) as (testbed, _):
        others, *users = [range(OTHER_USERS), *range(OTHER_USERS, len(testbed.tokens))]
        _read(testbed, users.pop(), ["sound-small"])
        idle = [_choose_and_run(testbed, users.pop(), ["sound-small"]) for _ in range(IDLE_RUNS)]
        beside = []
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(_run_in_turn, testbed, others)
            while users and not other.done():
                beside.append(_choose_and_run(testbed, users.pop(), ["sound-small"]))
            other_seconds = other.result()
    what = f"one company of {SMALL_POSTINGS} postings on a fresh board: start → finished"
    found = f"{milliseconds(idle)} ({len(idle)} runs)"
    yield at_most(f"{what}, idle: p50", MAX_IDLE_MS, "ms", median(idle) * 1000, found)
    read = f"while {OTHER_BOARDS} boards of another user are read and taken in ({median(other_seconds):.1f} s)"
    found = f"{milliseconds(beside)} ({len(beside)} runs)"
    yield at_most(f"{what}, {read}: p99", MAX_BESIDE_SECONDS, "s", percentile(beside, 99), found)


def abort() -> Findings:
    """Measure aborts of runs that take many companies in, of two users at a time."""
    boards = [f"sound-{number}" for number in range(ABORT_BOARDS)]
    with boards_testbed(ABORT_POSTINGS, **SETTINGS) as (testbed, _):
        _read(testbed, 0, boards)
        with ThreadPoolExecutor(ABORTED_AT_ONCE) as pool:
            seconds = list(pool.map(lambda user: _abort(testbed, user, boards), range(1, ABORTED_RUNS + 1)))
        late = testbed.product.sql(WRITTEN_LATE)[0][0]
    size = f"{ABORT_BOARDS} companies of {ABORT_POSTINGS:,} jobs"
    what = f"aborting a run that takes in {size}, {ABORTED_AT_ONCE} at once"
    yield at_most(f"{what}: p99", MAX_ABORT_SECONDS, "s", percentile(seconds, 99), milliseconds(seconds))
    yield at_most(f"{what}: jobs written after it", 0, "", late, str(late))


def _abort(testbed: Testbed, user: int, boards: list[str]) -> float:
    """Start a user's run, abort it as soon as it has jobs, and return the seconds that the abort took."""
    product, token = testbed.product, testbed.tokens[user]
    _choose(testbed, user, boards)
    run_id = int(call(product, token, "POST", "start")["run_id"])
    wait_until(lambda: product.sql(HAS_JOBS, run_id)[0][0], MAX_RUN_SECONDS, "the first jobs of the run", pause=0.02)
    began = time.perf_counter()
    call(product, token, "POST", f"abort/{run_id}")
    return time.perf_counter() - began


def _run_in_turn(testbed: Testbed, users: range) -> list[float]:
    """Let each user have boards read and taken in that nobody has read; return the seconds of each run."""
    return [
        _choose_and_run(testbed, user, [f"sound-{user}-{number}" for number in range(OTHER_BOARDS)]) for user in users
    ]


def _choose(testbed: Testbed, user: int, boards: list[str]) -> None:
    """Give a user companies at these boards."""
    companies = {"companies": companies_at(boards)}
    call(testbed.product, testbed.tokens[user], "POST", "companies/import", companies)


def _choose_and_run(testbed: Testbed, user: int, boards: list[str]) -> float:
    """Give a user companies at these boards and run; return the seconds of the run."""
    _choose(testbed, user, boards)
    return _run(testbed, user)


def _run(testbed: Testbed, user: int) -> float:
    """Start a user's run and wait for its end; return the seconds from the request to the end."""
    product, began = testbed.product, time.time()
    run_id = int(call(product, testbed.tokens[user], "POST", "start")["run_id"])

    def ended() -> tuple[float, str] | None:
        [(seconds, status)] = product.sql(END, run_id)
        return (float(seconds), str(status)) if seconds is not None else None

    seconds, status = wait_until(ended, MAX_RUN_SECONDS, "the end of the run", pause=0.05) or (0.0, "")
    assert status == "finished", status
    return seconds - began


def _read(testbed: Testbed, user: int, boards: list[str]) -> None:
    """Have boards read by a user's preview."""
    _choose(testbed, user, boards)
    previews = [begin_preview(testbed.product, testbed.tokens[user])]
    finished_previews(testbed.product, previews, MAX_RUN_SECONDS)


def _sequences(product: Product) -> dict[str, int]:
    return dict(product.sql(SEQUENCES))


def _moved(before: dict[str, int], after: dict[str, int]) -> str:
    """Return the names of the sequences that have moved, without those of runs themselves."""
    moved = [name for name in after if name not in OF_RUNS and after[name] != before.get(name)]
    return " ".join(sorted(moved)) or "none"


def _seconds(values: list[float]) -> str:
    return f"{median(values):.2f} s, slowest {max(values):.2f} s"
