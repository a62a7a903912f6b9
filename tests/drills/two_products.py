"""Two products on one PostgreSQL: each has its own web server, worker, reader, reconciler and Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from app.embedded import postgres as embedded_postgres
from tests.drills.drill_product import DrillProduct
from tests.drills.registry import NONE, drill
from tests.drills.results import DrillOptions, Outcome
from tests.drills.run_faults import GROUP
from tests.drills.testbed import SETTINGS, Testbed, create_product, running_testbed
from tests.drills.users import User
from tests.support.product import temporary_folder

BOARDS, POSTINGS = 5, 20
USERS = 12
ABORTING = 3
"""One user of this number aborts their runs, on the other product."""

RUNS = "SELECT id, user_id, status, jobs_ready FROM ingestion_runs"
WRONG_READINGS = "SELECT board, count(*) FROM listings JOIN boards USING (board_id) GROUP BY board HAVING count(*) <> 1"
JOBS = """
SELECT user_id, count(*), count(DISTINCT external_id || company),
       (SELECT count(*) FROM job_events WHERE job_events.user_id = jobs.user_id)
FROM jobs GROUP BY user_id
"""


@drill("two products on one PostgreSQL", GROUP, NONE)
def two_products(options: DrillOptions) -> Outcome:
    """Two products, each with a Redis of its own, work on one PostgreSQL. Users start on either, a third of them abort
    on the other one. Each board is read once, each run is carried out once with exact jobs and counts, an abort wins.
    """
    # Its PostgreSQL allows as many sessions as both products need. A reading serves all runs of the drill.
    settings = {**SETTINGS, "FRESH_SECONDS": "600", "WEB_DATABASE_CONNECTIONS": "40"}
    with running_testbed(DrillProduct, options.scale, **settings) as testbed:
        testbed.reset(options.seed)
        with _second_product(testbed) as second:
            outcome = _play(testbed, second)
            with testbed.product.log.open("ab") as log:
                log.write(second.log.read_bytes())
        outcome.violations = testbed.verdict()
        return outcome


@contextmanager
def _second_product(testbed: Testbed) -> Iterator[DrillProduct]:
    """Run another product on the same PostgreSQL inside this block."""
    first = testbed.product
    address = urlsplit(embedded_postgres.database_url(first.data_dir))
    database = f"postgresql://{address.username}:{address.password}@{address.path}?{address.query}"
    settings = {name: first.environment[name] for name in (*SETTINGS, "SOURCE_BASE_URLS")}
    with temporary_folder() as folder:
        with create_product(DrillProduct, folder, DATABASE_URL=database, **settings) as product:
            product.start()
            yield product


def _play(testbed: Testbed, second: DrillProduct) -> Outcome:
    users = testbed.users(USERS, boards=0)
    seconds, aborted, rounds = list[float](), set[int](), testbed.scaled(10, 2)
    for _ in range(rounds):
        boards = testbed.serve(BOARDS, POSTINGS, delay=0.3)
        for number, user in enumerate(users):
            user.choose(boards)
            user.port = second.port if number % 2 else None
        started = testbed.run_concurrently(User.start, users)
        for reply in started:
            if reply.status != 201:
                testbed.record_violation(f"a start was answered {reply.status} {reply.document}")
        aborting = [(user, reply.run_id) for user, reply in zip(users, started, strict=True)][::ABORTING]
        for user, run_id in aborting:
            user.port = None if user.port else second.port
            if user.abort(run_id).status == 200:
                aborted.add(run_id)
        seconds.append(testbed.wait_until_all_ended())
        _check_runs(testbed, {user.user_id for user, _ in aborting}, aborted)
    _check_ends(testbed, users, rounds)
    return Outcome(rounds * USERS, "runs", seconds, "last run's end", {"aborted": len(aborted)})


def _check_runs(testbed: Testbed, aborting: set[int], aborted: set[int]) -> None:
    """Check that the runs of those who never abort finished with all new postings, and that each abort won."""
    for run_id, user_id, status, jobs in testbed.product.sql(RUNS):
        if (status == "aborted") != (run_id in aborted) or status not in ("finished", "aborted"):
            testbed.record_violation(f"run {run_id} ended as {status}, aborted: {run_id in aborted}")
        if user_id not in aborting and jobs != BOARDS * POSTINGS:
            testbed.record_violation(f"run {run_id} brought {jobs} jobs, not {BOARDS * POSTINGS}")


def _check_ends(testbed: Testbed, users: list[User], rounds: int) -> None:
    """Let all users run a last time: each then has each posting once. Check that each board was read once."""
    testbed.run_concurrently(User.start, users)
    testbed.wait_until_all_ended()
    wanted = rounds * BOARDS * POSTINGS
    found = sorted(testbed.product.sql(JOBS))
    if found != [(user.user_id, wanted, wanted, wanted) for user in users]:
        testbed.record_violation(f"jobs, different ones and events by user: {found}, not {wanted} of each")
    if wrong := testbed.product.sql(WRONG_READINGS):
        testbed.record_violation(f"boards not read once: {wrong}")
