"""The tables of the product and the state of the model, in one form, so that both can be compared."""

from collections import Counter
from typing import Any

import psycopg

from tests.faults.run_model.model import Model, Run

State = dict[str, dict[Any, Any]]
"""Rows by key, for each table."""

SECONDS = "extract(epoch FROM {} - timestamptz '2026-03-01 00:00+00')::int"
RUNS = f"""
SELECT id, user_id, status, coalesce(total_jobs, 0), jobs_ready, jobs_skipped, jobs_expired, jobs_failed,
       {SECONDS.format("next_dispatch_at")}, dispatch_count, {SECONDS.format("worker_seen_at")}, attempts,
       {SECONDS.format("deadline_at")}, {SECONDS.format("last_claim_at")}, retry_of
FROM ingestion_runs
"""
COMPANIES = f"""
SELECT run_id, position, board, include, exclude, {SECONDS.format("fresh_after")}, is_baseline, state, listing_id,
       matched, unparsed, pinned_listing_id, parts, new_jobs, changed_jobs, reopened_jobs, unchanged_jobs,
       expired_jobs, held_closings
FROM run_companies
"""
QUESTIONS = "SELECT run_id, state, count, open, expire, expired FROM run_closings"
JOBS = f"""
SELECT jobs.user_id, boards.board, external_id, status, title, location, description, run_id,
       {SECONDS.format("updated_at")}, kept_listing_id, expired_at IS NULL
FROM jobs JOIN boards USING (board_id)
"""
EVENTS = """
SELECT event.run_id, boards.board, jobs.external_id, kind, event.listing_id, fields, reason, witness_listing_id,
       jobs.user_id, count(*)
FROM job_events AS event JOIN jobs ON jobs.id = job_id JOIN boards ON boards.board_id = jobs.board_id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
BOARDS = f"""
SELECT board, listing_id, content_listing_id, {SECONDS.format("content_began_at")},
       CASE WHEN failed_until IS NULL THEN 0 ELSE {SECONDS.format("failed_until")} END,
       {SECONDS.format("complete_at")}, etag, held_listing_id, empty_listing_id, empty_count, gone_listing_id,
       gone_last_listing_id, gone_count, is_on_hold, is_shrink_allowed, lease_id IS NOT NULL,
       CASE WHEN lease_id IS NOT NULL THEN {SECONDS.format("lease_until")} END, attempt
FROM boards
"""
LISTINGS = f"""
SELECT boards.board, listings.listing_id, state, {SECONDS.format("began_at")}, {SECONDS.format("ended_at")}, found,
       new_postings, changed_postings, unchanged_postings, reopened_postings, missing_postings, closed_postings
FROM listings JOIN boards USING (board_id)
"""
POSTINGS = f"""
SELECT boards.board, postings.external_id, title, locations[1], description, {SECONDS.format("missing_since")},
       missing_listing_id, closed_reason, closed_listing_id
FROM postings JOIN boards USING (board_id) JOIN posting_revisions USING (revision_id)
"""
POSTING_EVENTS = """
SELECT boards.board, postings.external_id, event.listing_id, kind, fields, reason, witness_listing_id, count(*)
FROM posting_events AS event JOIN postings USING (posting_id) JOIN boards USING (board_id)
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
VERSIONS = {
    "jobs": "SELECT user_id, board, external_id, jobs.xmin::text FROM jobs JOIN boards USING (board_id)",
    "postings": "SELECT board, external_id, postings.xmin::text FROM postings JOIN boards USING (board_id)",
}


class Tables:
    """Reads the tables, and notes which rows were written since it last did."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._versions: dict[str, dict[Any, str]] = {name: {} for name in VERSIONS}

    def read(self) -> State:
        """Return the state of the tables, with the rows that were written since the last call."""
        events = self._rows(EVENTS)
        told = self._rows(POSTING_EVENTS)
        return {
            "runs": {row[0]: row[1:] for row in self._rows(RUNS)},
            "companies": {row[:2]: _plain(row[2:]) for row in self._rows(COMPANIES)},
            "questions": {row[0]: row[1:] for row in self._rows(QUESTIONS)},
            "jobs": {row[:3]: row[3:] for row in self._rows(JOBS)},
            "events": {(*row[:5], frozenset(row[5]), *row[6:8], row[8]): row[9] for row in events},
            "boards": {row[0]: row[1:] for row in self._rows(BOARDS)},
            "listings": {row[:2]: row[2:] for row in self._rows(LISTINGS)},
            "postings": {row[:2]: row[2:] for row in self._rows(POSTINGS)},
            "posting events": {(*row[:4], frozenset(row[4]), *row[5:7]): row[7] for row in told},
            "written jobs": self._written("jobs"),
            "written postings": self._written("postings"),
        }

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def _written(self, name: str) -> dict[Any, Any]:
        before = self._versions[name]
        after = self._versions[name] = {row[:-1]: row[-1] for row in self._rows(VERSIONS[name])}
        return {key: None for key, version in after.items() if before.get(key) != version}


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(tuple(each) if isinstance(each, list) else each for each in row)


def expected(model: Model) -> State:
    """Return the state of the model in the same form."""
    boards = model.boards.items()
    return {
        "runs": {number: _run(run) for number, run in model.runs.items()},
        "companies": {key: row for number, run in model.runs.items() for key, row in _companies(number, run)},
        "questions": {number: run.question for number, run in model.runs.items() if run.question},
        "jobs": {
            key: (
                "ready" if job.is_ready else "expired", job.posting.content.title, job.posting.content.place,
                job.posting.content.text, job.run, job.at, job.kept, job.is_ready,
            ) for key, job in model.jobs.items()
        },
        "events": {(*key, model.runs[key[0]].user): number for key, number in model.events.items()},
        "boards": {name: _board(board) for name, board in boards},
        "listings": {key: row for name, board in boards for key, row in _listings(name, board)},
        "postings": {
            (name, each): (
                posting.content.title, posting.content.place, posting.content.text,
                *((posting.missing.began, posting.missing.listing) if posting.missing else (None, None)),
                *(posting.closed or (None, None)),
            ) for name, board in boards for each, posting in board.postings.items()
        },
        "posting events": dict(Counter((name, *event) for name, board in boards for event in board.events)),
        "written jobs": dict.fromkeys(model.written),
        "written postings": {(name, each): None for name, board in boards for each in board.written},
    }


def _run(run: Run) -> tuple[Any, ...]:
    return (
        run.user, run.status, run.total, *run.sums, run.due, run.published, run.seen, run.attempts, run.deadline,
        run.last_claim, run.retry_of,
    )


def _companies(number: int, run: Run) -> list[tuple[Any, tuple[Any, ...]]]:
    return [
        ((number, position), (
            each.board, *each.filters, each.fresh_after, each.is_baseline, each.state, each.listing, each.matched,
            each.unparsed, each.pinned, each.parts, *each.counts, each.unchanged, each.expired, each.held,
        )) for position, each in enumerate(run.companies, 1)
    ]


def _board(board: Any) -> tuple[Any, ...]:
    def listing(witness: Any) -> int | None:
        return witness.listing if witness else None

    return (
        board.last, listing(board.content), board.content.began if board.content else None, board.failed_until,
        board.complete_at, board.tag[0] if board.tag else None, listing(board.held), listing(board.empty),
        board.empty_count, listing(board.gone), listing(board.last_gone), board.gone_count, board.is_on_hold,
        board.is_shrink_allowed, board.lease is not None,
        board.lease_until if board.lease is not None else None, board.attempt,
    )


def _listings(name: str, board: Any) -> list[tuple[Any, tuple[Any, ...]]]:
    found = [((name, key), (state, began, end, *counts)) for key, (state, began, end, counts) in board.listings.items()]
    if board.reading:
        found.append(((name, board.reading.listing), ("reading", board.reading.began, *[None] * 8)))
    return found


def differences(before: State, after: State) -> list[str]:
    """Return sentences on the differences: what was expected, and what was found."""
    return [
        f"{table} {key}: expected {before[table].get(key, 'no row')}, found {after[table].get(key, 'no row')}"
        for table in before for key in sorted({*before[table], *after[table]}, key=str)
        if before[table].get(key, "no row") != after[table].get(key, "no row")
    ]
