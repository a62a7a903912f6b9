"""Sitemaps, parsed as a stream within the limits of their standard: https://www.sitemaps.org/protocol.html"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from app.sources.deadline import NO_DEADLINE, Deadline
from app.sources.errors import NotFound, ShapeChanged
from app.sources.parsing.xml import PIECE_LENGTH, XmlHandler, parse_pieces

MAX_BYTES = 50_000_000
MAX_URLS = 50_000
MAX_DEPTH = 12
MAX_URL_LENGTH = 2048

MAX_SIZE = 8_000_000
"""The most bytes of addresses that are kept."""

MAX_MEMBERS = 1000
"""The most parts of a compressed file. Each costs a new decompressor, and 32 MB hold a million empty ones."""

GZIP = b"\x1f\x8b"
GZIP_WBITS = 31
"""The parameter of zlib for the format of gzip."""

ROOTS = {"urlset": False, "sitemapindex": True}
SUBJECT = "the sitemap"


@dataclass(frozen=True)
class Sitemap:
    """The contents of a sitemap."""

    is_index: bool
    """True if the addresses are those of further sitemaps."""
    addresses: tuple[str, ...]
    is_whole: bool
    """False if the sitemap has more addresses, or longer ones, than the standard permits."""


def read_sitemap(body: bytes, deadline: Deadline = NO_DEADLINE) -> Sitemap:
    """Parse a sitemap or an index of sitemaps, compressed or not.

    Raises NotFound for a web page, OutOfTime, and ShapeChanged for anything else. A truncated sitemap also raises
    ShapeChanged, because its contents would look complete.
    """
    if any(word in body[:1000].lower() for word in (b"<!doctype html", b"<html")):
        raise NotFound("The site returns a web page where the sitemap should be.")
    handler = _Addresses()
    try:
        for _ in parse_pieces(_limited(_decompressed(body) if body[:2] == GZIP else _plain(body)), handler, deadline):
            if handler.is_full:
                break
    except zlib.error as error:
        raise ShapeChanged(SUBJECT, "cannot be decompressed") from error
    return Sitemap(handler.is_index, tuple(handler.addresses), handler.is_whole)


class _Addresses(XmlHandler):
    """Collects the addresses of a sitemap."""

    def __init__(self) -> None:
        super().__init__(SUBJECT, MAX_DEPTH)
        self.addresses: list[str] = []
        self.is_index = self.is_full = False
        self.is_whole = True
        self._address: str | None = None
        """The address so far, in an element for one."""
        self._size = 0

    def open(self, name: str) -> None:
        """Check the root, or begin an address."""
        if len(self.path) == 1:
            if name not in ROOTS:
                raise self.error(f"is <{name[:40]}>, but <urlset> was expected")
            self.is_index = ROOTS[name]
        elif len(self.path) == 3 and name == "loc":
            self._address = ""

    def text(self, text: str) -> None:
        """Add a piece to the address, if it is not too long already."""
        if self._address is not None and len(self.path) == 3 and len(self._address) <= MAX_URL_LENGTH:
            self._address = (self._address + text).lstrip()

    def close(self, name: str) -> None:
        """End an address."""
        if len(self.path) == 3 and self._address is not None:
            if address := self._address.strip():
                self._add(address)
            self._address = None

    def _add(self, address: str) -> None:
        if len(address) > MAX_URL_LENGTH:
            self.is_whole = False
            return
        # One character beyond ASCII can make a text four times as large.
        self._size += len(address) if address.isascii() else 4 * len(address)
        self.is_full = self.is_full or len(self.addresses) == MAX_URLS or self._size > MAX_SIZE
        if self.is_full:
            self.is_whole = False
        else:
            self.addresses.append(address)


def _plain(body: bytes) -> Iterator[bytes]:
    """Yield the body in pieces, without blanks before it."""
    is_blank = True
    source = io.BytesIO(body)
    while piece := source.read(PIECE_LENGTH):
        piece = piece.lstrip() if is_blank else piece
        is_blank = is_blank and not piece
        yield piece


def _decompressed(body: bytes) -> Iterator[bytes]:
    """Decompress the body piece by piece. It may consist of several members, with zeros after the last."""
    source = io.BytesIO(body)
    member, members, data = zlib.decompressobj(GZIP_WBITS), 1, b""
    while data := data or source.read(PIECE_LENGTH):
        if member.eof:
            data = data.lstrip(b"\0")
            if not data:
                continue
            member, members = zlib.decompressobj(GZIP_WBITS), members + 1
            if members > MAX_MEMBERS:
                raise ShapeChanged(SUBJECT, "is compressed in too many parts")
        yield member.decompress(data, PIECE_LENGTH)
        data = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise zlib.error("The last member is incomplete.")


def _limited(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces. Raises ShapeChanged beyond MAX_BYTES, because a small file can decompress to a huge one."""
    left = MAX_BYTES
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise ShapeChanged(SUBJECT, f"is larger than {MAX_BYTES // 1_000_000} MB")
        yield piece
