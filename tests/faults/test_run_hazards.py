"""Runs under way with real workers: aborts at any instant, companies that break their workers, boards that hang."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from app.services.runs import outbox, start
from app.services.runs.completion import GIVEN_UP, OUT_OF_TIME
from app.worker.reconciler import reconcile_once
from tests.support.boards import job
from tests.support.factories import make_user, row, run_companies, sql
from tests.support.listings import board_id, list_board
from tests.support.previews import company
from tests.support.run_units import lease
from tests.support.waiting import WAIT_TIMEOUT, wait_until
from tests.support.workers import running_ingestion, running_reader, running_worker

SIZES = (*[600] * 3, *[20] * 7)
"""Jobs of the companies of a run. The first one needs two parts, so the run has eleven, and more on a slow disk."""

OFFER = """
WITH revision AS (
    INSERT INTO posting_revisions (board_id, listing_id, external_id, title, url, content_hash, hash_version)
    SELECT :board, :listing, n, 'Engineer', 'https://example.org/' || n, 1, 1 FROM generate_series(1, :number) AS n
    RETURNING revision_id, external_id
)
INSERT INTO postings (board_id, external_id, revision_id, content_hash, hash_version, first_listing_id, first_seen_at,
    is_baseline)
SELECT :board, external_id, revision_id, 1, 1, :listing, clock_now(), true FROM revision
"""
WRITTEN = """
SELECT (SELECT (xmin::text, runs)::text FROM ingestion_runs AS runs WHERE id = :run),
       (SELECT array_agg((xmin::text, units)::text ORDER BY position) FROM run_companies AS units WHERE run_id = :run),
       (SELECT array_agg((id, xmin::text)::text ORDER BY id) FROM jobs WHERE run_id = :run),
       (SELECT array_agg(event_id ORDER BY event_id) FROM job_events WHERE run_id = :run)
"""
BREAK = """
CREATE FUNCTION break_worker() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NEW; END $$;
CREATE TRIGGER break_worker BEFORE INSERT ON jobs FOR EACH ROW WHEN (NEW.company = 'greenhouse:broken')
    EXECUTE FUNCTION break_worker()
"""
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'"
BEHAVIOURS = {"an error": "RAISE EXCEPTION 'broken';", "the end of the process": "PERFORM pg_sleep(60);"}


def test_abort_of_ten_companies_is_answered_and_ends_all_writing(settings, app, client, user_id, tmp_path):
    written: dict[int, Any] = {}
    statuses: set[int] = set()
    with two_workers(settings, tmp_path) as workers:
        for parts in (0, 1, 2, 3, 4, 6, 8, 10):
            run_id = start_large_run(client, user_id, parts)
            wait_for_parts(run_id, parts)
            statuses |= abort_three_times(app, run_id)
            written[run_id] = sql(WRITTEN, run=run_id)
        for worker in workers:
            worker.terminate()
            worker.wait(WAIT_TIMEOUT)
    assert statuses <= {200, 409}
    assert "aborted" in {row(run_id).status for run_id in written}
    for run_id, before in written.items():
        assert sql(WRITTEN, run=run_id) == before
        assert len(sql("SELECT FROM job_events WHERE run_id = :run", run=run_id)) == new_jobs(run_id)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_company_that_breaks_its_workers_is_given_up(settings, app, broker, user_id, tmp_path, behaviour):
    for board in ("broken", "good"):
        list_board(board, ["Engineer", "Cook"])
        company(user_id, board)
    with broken_jobs(BEHAVIOURS[behaviour]), running_ingestion(settings, tmp_path) as worker:
        run_id, _ = start.start_run(user_id)
        wait_until(lambda: let_time_pass(run_id, worker), what="the end of the run")
    broken, good = run_companies(run_id)
    assert (broken.state, broken.outcome, broken.detail) == ("failed", "out_of_time", GIVEN_UP)
    assert (good.state, good.new_jobs) == ("taken_in", 2)
    assert (row(run_id).status, row(run_id).total_jobs, row(run_id).jobs_ready) == ("finished", 2, 2)


def test_runs_of_two_users_end_at_their_deadline_without_a_board(settings, app, boards, user_id, tmp_path):
    hanging = boards.greenhouse("hanging", [job(1, "Cook")])
    boards.greenhouse("good", [job(2, "Baker")])
    users = [user_id, make_user("other@example.org")]
    for user in users:
        company(user, "hanging")
        company(user, "good")
    # Another reader has the board, and never ends.
    lease("hanging")
    with running_reader(settings, tmp_path), running_ingestion(settings, tmp_path):
        run_ids = [start.start_run(user)[0] for user in users]
        decided = "SELECT FROM run_companies WHERE matched = 1"
        # A board that is being read keeps its run from waking readers; the reconciler wakes them.
        wait_until(lambda: reconcile_once() is not None and len(sql(decided)) == 2, what="the other board")
        sql("UPDATE ingestion_runs SET deadline_at = clock_now()")
        reconcile_once()
        wait_until(lambda: all(row(run_id).finished_at for run_id in run_ids), what="the end of the runs")
    for run_id in run_ids:
        good, late = run_companies(run_id)
        assert (row(run_id).status, good.state, good.new_jobs) == ("finished", "taken_in", 1)
        assert (late.state, late.outcome, late.detail) == ("failed", "out_of_time", OUT_OF_TIME)
    assert boards.count(hanging) == 0


@contextmanager
def two_workers(settings: Any, folder: Any) -> Iterator[tuple[psutil.Popen, psutil.Popen]]:
    """Run two workers of runs during the block."""
    (first, second), options = ("one", "two"), ["-Q", "ingestion", "-n"]
    with (
        running_worker(settings, folder / first, options=[*options, first], INGESTION="run") as one,
        running_worker(settings, folder / second, options=[*options, second], INGESTION="run") as two,
    ):
        wait_until(lambda: len(sql("SELECT FROM heartbeats")) == 2, what="the workers")
        yield one, two


def start_large_run(client: Any, user_id: int, number: int) -> int:
    """Start a run of ten companies that no other run has, with two messages, so that both workers carry it."""
    sql("UPDATE companies SET enabled = false")
    for position, size in enumerate(SIZES):
        board = f"b{number}-{position}"
        listing = list_board(board)
        sql(OFFER, board=board_id(board), listing=listing, number=size)
        company(user_id, board)
    run_id = client.post("/api/ingestion/start").json["run_id"]
    outbox.publish(run_id)
    return int(run_id)


def abort_three_times(app: Any, run_id: int) -> set[int]:
    """Abort a run by three requests at once, and return their statuses."""
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(app.test_client().post, f"/api/ingestion/abort/{run_id}") for _ in range(3)]
        return {answer.result().status_code for answer in answers}


def wait_for_parts(run_id: int, parts: int) -> None:
    """Wait until a run has written this many parts, or has ended."""
    reached = (
        "SELECT FROM run_companies JOIN ingestion_runs ON id = run_id WHERE run_id = :run"
        " GROUP BY id HAVING sum(parts) >= :parts OR finished_at IS NOT NULL"
    )
    wait_until(lambda: sql(reached, run=run_id, parts=parts), what="the parts", pause=0.005)


def new_jobs(run_id: int) -> int:
    """Return the number of jobs of a run."""
    return len(sql("SELECT FROM jobs WHERE run_id = :run", run=run_id))


@contextmanager
def broken_jobs(behaviour: str) -> Iterator[None]:
    """Let each statement that adds a job of the board *broken* behave so during the block."""
    sql(BREAK.format(behaviour))
    try:
        yield
    finally:
        sql("DROP FUNCTION break_worker() CASCADE")


def let_time_pass(run_id: int, worker: psutil.Popen) -> bool:
    """Kill the worker's child if it adds a job that hangs; publish a run without sign of life. Return if it has ended.

    The seconds until the run is due are skipped once nobody carries it out.
    """
    for sleeping in sql(SLEEPING):
        for child in worker.children():
            child.kill()
        sql("SELECT pg_terminate_backend(:pid)", pid=sleeping.pid)
    sql(
        "UPDATE ingestion_runs SET worker_seen_at = worker_seen_at - interval '20 s', next_dispatch_at = now()"
        " WHERE id = :run AND dispatched_at < clock_now() - interval '0.5 s'",
        run=run_id,
    )
    reconcile_once()
    return row(run_id).finished_at is not None
