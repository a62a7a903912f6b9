"""Runs that ingest, under faults."""

from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.testbed import Testbed

GROUP = "Runs that ingest"


@drill("undisturbed runs", GROUP, PRODUCT)
def undisturbed(testbed: Testbed) -> Outcome:
    """Users run on boards that answer at once, without a fault: each run finishes with the postings of its boards."""
    users = testbed.users(testbed.scaled(10), boards=0)
    boards = testbed.serve(5, postings=30, delay=0.1)
    for user in users:
        user.choose(boards)
    testbed.run_concurrently(lambda user: user.start(), users)
    seconds = testbed.wait_until_all_ended()
    counts = testbed.product.sql("SELECT status, jobs_ready, count(*) FROM ingestion_runs GROUP BY 1, 2")
    if counts != [("finished", 150, len(users))]:
        testbed.record_violation(f"ended as {counts}")
    return Outcome(len(users), "runs", [seconds], "the last run's end")
