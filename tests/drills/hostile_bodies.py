"""The bodies of hostile servers: a few kilobytes on the wire, and costly to read.

A body is a function from the first record of the page to the pieces of the page. No body is ever held as a whole.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Body = Callable[[int], Iterable[bytes]]

MAX_BYTES = 31_900_000
"""Bytes of a body without compression: a little less than the product reads."""

BLOCK_BYTES = 256_000
"""Bytes of one piece."""

JSON = "application/json"
XML = "application/xml"
PAGE = "text/html"
TEXT = "text/plain"


@dataclass(frozen=True)
class Reply:
    """A hostile response."""

    body: Body
    content_type: str = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    is_compressed: bool = True
    """True if the body is sent with ``Content-Encoding: gzip``. The file of a sitemap may itself be a gzip file."""
    byte_seconds: float = 0.0
    """Seconds between two bytes of a body that never ends; 0 for one that is sent at once."""
    is_silent: bool = False
    """True if nothing is ever sent."""
    is_chunked: bool = False
    """True if each byte is a chunk of its own, at full speed, in a body that never ends."""


def literal(text: str | bytes) -> Body:
    """Return a small body."""
    return lambda _first: [text.encode() if isinstance(text, str) else text]


def repeated(head: str, unit: str, tail: str, size: int = MAX_BYTES) -> Body:
    """Return a body of that many bytes: the head, the same unit again and again, and the tail."""
    unit_bytes = unit.encode()
    count = (size - len(head.encode()) - len(tail.encode())) // len(unit_bytes)
    in_block = max(1, BLOCK_BYTES // len(unit_bytes))

    def pieces(_first: int) -> Iterator[bytes]:
        yield head.encode()
        block = unit_bytes * in_block
        for _ in range(count // in_block):
            yield block
        yield unit_bytes * (count % in_block)
        yield tail.encode()

    return pieces


def numbered(head: str, unit: Callable[[int], str], tail: str, count: int, separator: str = "") -> Body:
    """Return a body of a head, that many different units, and a tail. The units count on from the page's first."""

    def pieces(first: int) -> Iterator[bytes]:
        yield head.encode()
        last = first + count - 1
        for begin in range(first, first + count, 500):
            numbers = range(begin, min(begin + 500, first + count))
            yield "".join(f"{unit(number)}{separator if number != last else ''}" for number in numbers).encode()
        yield tail.encode()

    return pieces


def postings(count: int, title: Callable[[int], str], text: str = "") -> Body:
    """Return a page of valid postings of Lever. A page of a hundred leads to the next one."""
    description = f',"description":"{text}"' if text else ""
    return numbered(
        "[", lambda number: f'{{"id":"{number}","text":"{title(number)}"{description}}}', "]", count, separator=","
    )
