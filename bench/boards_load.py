"""Loads for the benchmarks of boards: users, companies and previews over HTTP, and a locked board."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

from bench.board_server import running_board_server
from bench.load_generator import Script, request
from bench.testbed import SETTINGS, Testbed, prepare
from tests.support.boards import environment
from tests.support.product import Product, temporary_folder, temporary_product
from tests.support.unpaced_product import UnpacedProduct
from tests.support.waiting import wait_until


@contextmanager
def boards_testbed(postings: int, **settings: str) -> Iterator[tuple[Testbed, str]]:
    """Run the product without pace, and its boards, inside this block; yield the testbed and the boards' address."""
    with (
        running_board_server(postings) as url,
        temporary_folder() as folder,
        temporary_product(folder, False, UnpacedProduct, **SETTINGS, **environment(url), **settings) as product,
    ):
        yield prepare(product), url
        product.stop()


def companies_at(boards: list[str]) -> list[dict[str, str]]:
    """Return companies at these boards, as an import accepts them."""
    return [{"source": "greenhouse", "board": board, "name": board} for board in boards]


def call(product: Product, token: str, method: str, path: str, document: Any = None) -> Any:
    """Send a request, which must succeed, and return the JSON of the answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps(document or {}).encode() if method == "POST" else None
    sent = Request(f"{product.url}/api/ingestion/{path}", body, headers, method=method)
    with urlopen(sent, timeout=30) as answer:
        return json.load(answer)


def begin_preview(product: Product, token: str) -> int:
    """Begin a preview of the user's companies; return its id."""
    return int(call(product, token, "POST", "dry-run")["preview_id"])


def finished_previews(product: Product, previews: list[int], timeout: float) -> list[float]:
    """Wait until these previews are finished; return the times at which they were, as of ``time.time``."""
    select = "SELECT extract(epoch FROM finished_at) FROM previews WHERE preview_id = ANY(%s) ORDER BY preview_id"

    def finished() -> list[float] | None:
        times = [time for (time,) in product.sql(select, previews)]
        return None if None in times else [float(time) for time in times]

    return wait_until(finished, timeout, "the end of the previews", pause=0.05) or []


@contextmanager
def locked_board(product: Product, board: str) -> Iterator[None]:
    """Hold the lock of a board's row inside this block, the same that an UPDATE takes while a listing is stored."""
    with product.connect() as connection:
        rows = connection.execute("SELECT 1 FROM boards WHERE board = %s FOR NO KEY UPDATE", [board]).fetchall()
        assert rows, f"there is no board {board}"
        yield


def request_with_json(method: str, path: str, token: str, document: Any) -> bytes:
    """Return the bytes of a request with a JSON document as its body."""
    body = json.dumps(document).encode()
    head = request(method, path, token).replace(b"Content-Length: 0\r\n", b"").removesuffix(b"\r\n")
    return head + f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def add_and_remove(token: str, board: str) -> Script:
    """Add a company at this board and remove it, again and again."""
    [company] = companies_at([board])
    while True:
        status, body = yield request_with_json("POST", "companies", token, company)
        # A 409 names the company that an interrupted load left.
        if status in (201, 409):
            check(*(yield request("DELETE", f"companies/{json.loads(body)['company_id']}", token)))


def import_repeatedly(token: str, boards: list[str]) -> Script:
    """Import companies at these boards again and again."""
    sent = request_with_json("POST", "companies/import", token, {"companies": companies_at(boards)})
    while True:
        check(*(yield sent))


def preview_repeatedly(token: str) -> Script:
    """Begin a preview again and again. While one is under way, it is returned."""
    sent = request_with_json("POST", "dry-run", token, {})
    while True:
        check(*(yield sent))


def check(status: int, body: bytes) -> None:
    """Let a load fail that is refused, for then it measures nothing. The result counts what has failed (5xx)."""
    assert status < 400 or status >= 500, f"{status}: {body!r}"
