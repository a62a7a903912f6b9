"""Boards of any size, stored as a worker stores them, for the benchmarks of storing."""

import random
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Any

from sqlalchemy import text

from app.db.execute import run_statement
from app.extensions import db
from app.services.boards.claim import Claim
from app.services.boards.storing import ListingStore
from app.services.boards.times import BoardTimes
from app.sources.types import Listing, Posting

WORDS = 550
"""Words of a posting: 3.4 kB."""

VOCABULARY = 20_000

TEXTS = 500
"""Different texts; the postings with the same one differ in their first word. Making more takes longer than storing."""

CLOSED_AT_ONCE = 20_000
"""Closed postings that one statement adds."""

CLAIM = text(
    "WITH board AS (UPDATE boards SET lease_id = :lease, lease_until = clock_now() + interval '1 h', attempt = 1"
    " WHERE board_id = :board RETURNING board_id, schema_version)"
    " INSERT INTO listings (board_id, began_at) SELECT board_id, clock_now() FROM board"
    " RETURNING listing_id, began_at, (SELECT schema_version FROM board) AS schema_version"
)

MADE_CLOSED = text(
    """
WITH revision AS (SELECT revision_id, content_hash, hash_version, listing_id FROM posting_revisions
                  WHERE board_id = :board LIMIT 1)
INSERT INTO postings (board_id, external_id, revision_id, content_hash, hash_version, first_listing_id, first_seen_at,
                      is_baseline, missing_since, missing_listing_id, closed_at, closed_reason, closed_listing_id)
SELECT :board, 'closed-' || n, revision_id, content_hash, hash_version, listing_id, clock_now(), false, clock_now(),
       0, clock_now(), 'unseen', 1 FROM revision CROSS JOIN generate_series(CAST(:first AS int), CAST(:last AS int)) n
"""
)


def make_postings(number: int, seed: int = 1) -> Iterator[Posting]:
    """Make the same different postings of 3.4 kB, with words as rare and as frequent as those of a language."""
    chosen = random.Random(seed)
    words = ["".join(chosen.choices("etaoinshrdlucmfw", k=chosen.randint(2, 9))) for _ in range(VOCABULARY)]
    weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    texts = [chosen.choices(words, cum_weights=weights, k=WORDS) for _ in range(TEXTS)]
    for n in range(number):
        yield _posting(n, texts[n % TEXTS])


def reword(postings: Iterable[Posting], percent: int) -> Iterator[Posting]:
    """Yield the postings, of which this share has another text."""
    for n, posting in enumerate(postings):
        yield replace(posting, description=f"{posting.description} again") if n % 100 < percent else posting


def make_board(name: str) -> int:
    """Insert a board and return its id. Commits."""
    made = text(f"INSERT INTO boards (source, board) VALUES ('greenhouse', '{name}') RETURNING board_id")
    return int(run_statement(made)[0].board_id)


def claim(board_id: int) -> Claim:
    """Claim a board and begin a reading. Commits."""
    lease = uuid.uuid4()
    row = run_statement(CLAIM, board=board_id, lease=lease)[0]
    return Claim(
        board_id, row.listing_id, lease, "greenhouse", "acme", row.began_at, 1, False, None, row.schema_version
    )


def store(board_id: int, postings: Iterable[Posting], **options: Any) -> float:
    """Claim a board and store a complete listing of it. Return the seconds that storing took. Commits."""
    claimed, began = claim(board_id), time.perf_counter()
    listing = ListingStore(claimed, 1, BoardTimes(), **options)
    listing.add(postings)
    listing.end(Listing(postings=(), is_complete=True))
    return time.perf_counter() - began


def copy_in(postings: Iterable[Posting]) -> float:
    """Write the same columns by COPY into a table with the same key. Return the seconds that it took."""
    with db.engine.connect() as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("CREATE TEMP TABLE copied (LIKE posting_revisions INCLUDING ALL)")
        driver: Any = connection.connection.driver_connection
        began = time.perf_counter()
        columns = "board_id, listing_id, external_id, title, url, description, requirements, content_hash, hash_version"
        with driver.cursor() as cursor, cursor.copy(f"COPY copied ({columns}) FROM STDIN") as copy:
            for each in postings:
                copy.write_row(
                    (1, 1, each.external_id, each.title, each.url, each.description, each.requirements, 1, 1)
                )
        seconds = time.perf_counter() - began
        connection.invalidate()
        return seconds


def add_closed(board_id: int, number: int) -> None:
    """Add closed postings to a board. Commits."""
    for first in range(1, number + 1, CLOSED_AT_ONCE):
        last = min(number, first + CLOSED_AT_ONCE - 1)
        run_statement(MADE_CLOSED, board=board_id, first=first, last=last)


def next_transaction() -> int:
    """Return the id of the next transaction, for ``rows_written_since``."""
    return int(run_statement(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS id"))[0].id)


def rows_written_since(transaction: int) -> tuple[int, ...]:
    """Return how many rows of postings, revisions and events transactions from this one on have inserted or updated."""
    written = "SELECT count(*) AS written FROM {} WHERE xmin::text::bigint >= :transaction"
    tables = ("postings", "posting_revisions", "posting_events")
    return tuple(run_statement(text(written.format(name)), transaction=transaction)[0].written for name in tables)


def log_position() -> int:
    """Return the number of bytes that PostgreSQL has ever written to its log."""
    return int(run_statement(text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes"))[0].bytes)


def backend_pid() -> int:
    """Return the process id of the PostgreSQL backend that this process uses, if it is the only one."""
    return int(run_statement(text("SELECT pg_backend_pid() AS pid"))[0].pid)


def _posting(number: int, words: list[str]) -> Posting:
    return Posting(
        external_id=str(1_000_000 + number),
        title=" ".join(words[:4]).title(),
        url=f"https://boards.example.org/acme/jobs/{1_000_000 + number}",
        locations=("Berlin",),
        department=words[4],
        workplace="hybrid",
        employment_type="Full time",
        posted_at=None,
        updated_at=None,
        description=" ".join([str(number), *words[:400]]),
        requirements=" ".join(words[400:]),
    )
