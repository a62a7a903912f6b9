"""A reader that is killed or frozen loses no board: another reads it, and a reader without its lease writes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import psutil
import pytest

from tests.faults.board_audit import audit
from tests.support.boards import Boards, environment, job
from tests.support.lines import events
from tests.support.product import Product, ensure_running, temporary_folder, temporary_product
from tests.support.waiting import wait_until

LEASE_SECONDS = 3
SETTINGS = {"LEASE_SECONDS": str(LEASE_SECONDS), "FRESH_SECONDS": "1", "READER_CONCURRENCY": "1"}
HOUR = 3600
BLOCKED = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%AS is_first%%'"
)
GUARDED = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%lease_id%%'"
READER = "-n reader"
STORED = """
SELECT postings.xmin::text, external_id, revision_id, missing_since, closed_at,
       (SELECT count(*) FROM posting_revisions), (SELECT count(*) FROM posting_events), (SELECT count(*) FROM listings)
FROM postings JOIN boards USING (board_id) WHERE board = %s ORDER BY external_id
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Boards]:
    """The boards."""
    server = Boards()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def reading_product(server: Boards) -> Iterator[Product]:
    """A product with short leases that reads these boards."""
    with temporary_folder() as folder, temporary_product(folder, **SETTINGS, **environment(server.url)) as product:
        yield product


@pytest.fixture
def product(reading_product: Product, server: Boards) -> Iterator[Product]:
    """The product, running. Afterwards all that it stored is consistent, and nobody has a lease."""
    yield ensure_running(reading_product)
    reading_product.resume()
    server.reset()
    wait_until(lambda: not reading_product.sql("SELECT board_id FROM boards WHERE lease_id IS NOT NULL"), what="leases")
    with reading_product.connect() as connection:
        assert audit(connection, HOUR, 24 * HOUR, 6 * HOUR) == []


@pytest.mark.parametrize("name", ["child", "all"])
def test_board_of_a_reader_killed_while_it_reads_is_read_again(product: Product, server: Boards, name: str) -> None:
    board, hold = f"killed-{name}", Event()
    path = server.greenhouse(board, [job(1, "Cook")], hold)
    preview_id = begin_preview(product, board)
    wait_until(lambda: server.count(path), what="the request")
    server.greenhouse(board, [job(1, "Cook"), job(2, "Baker")])

    for process in readers(product, children_only=name == "child"):
        process.kill()

    assert wait_for_end(product, preview_id) == ("listed", 2)
    hold.set()
    assert server.count(path) == 2
    assert listings(product, board) == ["complete"]


def test_reader_frozen_while_it_reads_writes_nothing_once_another_has_read(product: Product, server: Boards) -> None:
    hold = Event()
    path = server.greenhouse("frozen", [job(1, "Cook"), job(2, "Baker")], hold)
    preview_id = begin_preview(product, "frozen")
    wait_until(lambda: server.count(path), what="the request")
    server.greenhouse("frozen", [job(3, "Gardener")])
    with frozen_readers(product):
        expire_lease(product, "frozen")
        read = product.command("boards", "read", "greenhouse", "frozen")
        assert read.returncode == 0, read.stderr
        assert wait_for_end(product, preview_id) == ("listed", 1)
        before, lines = product.sql(STORED, "frozen"), unstored(product)
        hold.set()

    wait_until(lambda: unstored(product) > lines, what="the end of the frozen reading")
    assert product.sql(STORED, "frozen") == before
    assert [row[1] for row in before] == ["3"]
    assert listings(product, "frozen") == ["complete"]


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_listing_that_is_being_stored_survives_its_reader(product: Product, server: Boards, fault: str) -> None:
    board = f"stored-{fault}"
    server.greenhouse(board, [job(1, "Cook"), job(2, "Baker")])
    assert wait_for_end(product, begin_preview(product, board)) == ("listed", 2)
    server.greenhouse(board, [job(1, "Head Cook"), job(2, "Baker"), job(3, "Gardener")])
    with blocked_storing(product, board) as storing:
        preview_id = begin_preview(product, board, again=True)
        wait_until(lambda: product.sql(BLOCKED), what="the statement that stores")
        if fault == "kill":
            for process in readers(product):
                process.kill()
            storing.rollback()
            assert wait_for_end(product, preview_id) == ("listed", 3)
        else:
            with frozen_readers(product):
                storing.rollback()
                assert wait_for_end(product, preview_id) == ("listed", 3)
    kinds = "SELECT kind, count(*) FROM posting_events JOIN postings USING (posting_id) JOIN boards USING (board_id)"
    counts = dict(product.sql(f"{kinds} WHERE board = %s GROUP BY kind", board))
    assert counts == {"new": 3, "changed": 1}


def test_reader_whose_lease_is_lost_while_it_stores_writes_nothing(product: Product, server: Boards) -> None:
    hold = Event()
    path = server.greenhouse("lost", [job(1, "Cook")], hold)
    preview_id = begin_preview(product, "lost")
    wait_until(lambda: server.count(path), what="the request")
    server.greenhouse("lost", [job(2, "Baker")])
    lines = unstored(product)
    with product.connect() as other:
        other.execute("UPDATE boards SET lease_id = gen_random_uuid() WHERE board = 'lost'")
        hold.set()
        wait_until(lambda: product.sql(GUARDED), what="the reader's statement")
        other.commit()
    wait_until(lambda: unstored(product) > lines, what="the end of the reading")
    assert product.sql(STORED, "lost") == []
    assert wait_for_end(product, preview_id) == ("listed", 1)
    assert [row[1] for row in product.sql(STORED, "lost")] == ["2"]


def begin_preview(product: Product, board: str, again: bool = False) -> int:
    """Preview this board alone, which no listing answers, and return the preview's id."""
    product.request_json("GET", "/api/ingestion/current-run")
    product.sql("UPDATE companies SET enabled = false")
    product.sql(
        "INSERT INTO companies (user_id, source, board, name) SELECT min(user_id), 'greenhouse', %s, %s FROM users"
        " ON CONFLICT DO NOTHING",
        board, board,
    )
    product.sql("UPDATE companies SET enabled = true WHERE board = %s", board)
    old = "SELECT board_id FROM boards WHERE board = %s AND content_began_at < clock_now() - interval '1 s'"
    if again:
        wait_until(lambda: product.sql(old, board), what="the age of the last listing")
    status, document = product.request_json("POST", "/api/ingestion/dry-run")
    assert status in (200, 201), document
    return int(document["preview_id"])


def wait_for_end(product: Product, preview_id: int) -> tuple[str, int | None]:
    """Wait until the preview is finished; return its company's state and the number of its postings."""
    path = f"/api/ingestion/dry-run/{preview_id}"
    wait_until(lambda: product.request_json("GET", path)[1]["is_finished"], what="the end of the preview", pause=0.1)
    [(state, found)] = product.sql("SELECT state, found FROM preview_companies WHERE preview_id = %s", preview_id)
    return state, found


def readers(product: Product, children_only: bool = False) -> list[psutil.Process]:
    """Return the reader's processes, the main process first."""
    found = product.processes_matching(READER)
    main = product.main_process(READER)
    others = [process for process in found if process != main]
    return others if children_only else [main, *others]


@contextmanager
def frozen_readers(product: Product) -> Iterator[None]:
    """Suspend the launcher and every reader inside this block, so that none is restarted."""
    product.suspend_launcher()
    held = readers(product)
    for process in held:
        process.suspend()
    try:
        yield
    finally:
        for process in held:
            process.resume()
        product.resume_launcher()


@contextmanager
def blocked_storing(product: Product, board: str) -> Iterator[Any]:
    """Hold a lock on a posting inside this block, so that the statement which stores a change of it waits."""
    with product.connect() as connection:
        connection.execute(
            "SELECT FROM postings JOIN boards USING (board_id) WHERE board = %s AND external_id = '1'"
            " FOR UPDATE OF postings",
            [board],
        )
        yield connection


def expire_lease(product: Product, board: str) -> None:
    """Wait until the lease of the board is over. Nobody renews it."""
    over = "SELECT board_id FROM boards WHERE board = %s AND lease_until <= clock_now()"
    wait_until(lambda: product.sql(over, board), what="the end of the lease")


def listings(product: Product, board: str) -> list[str]:
    """Return the states of the listings of a board."""
    statement = "SELECT state FROM listings JOIN boards USING (board_id) WHERE board = %s ORDER BY listings.listing_id"
    return [row[0] for row in product.sql(statement, board)]


def unstored(product: Product) -> int:
    """Return the number of readings that ended without a listing."""
    return sum(event["state"] is None for event in events(product.output(), "board read"))
