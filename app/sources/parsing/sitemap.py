"""Sitemaps, parsed as a stream within the limits of their standard: https://www.sitemaps.org/protocol.html"""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from app.sources.deadline import NO_DEADLINE, Deadline
from app.sources.errors import NotFound, ShapeChanged

MAX_BYTES = 50_000_000
MAX_URLS = 50_000
MAX_DEPTH = 12
MAX_URL_LENGTH = 2048

GZIP = b"\x1f\x8b"
ROOTS = {"urlset": False, "sitemapindex": True}


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

    Raises NotFound for a web page, and ShapeChanged for anything else. A truncated sitemap also raises ShapeChanged,
    because its contents would look complete.
    """
    if any(word in body[:1000].lower() for word in (b"<!doctype html", b"<html")):
        raise NotFound("The site returns a web page where the sitemap should be.")
    stream = gzip.GzipFile(fileobj=io.BytesIO(body)) if body[:2] == GZIP else io.BytesIO(body.lstrip())
    try:
        return _read(_LimitedStream(stream))
    except DefusedXmlException as error:
        raise ShapeChanged("the sitemap", "has a document type, which is not allowed") from error
    except (ParseError, LookupError, ValueError) as error:
        raise ShapeChanged("the sitemap", "is not valid XML") from error
    except (OSError, EOFError, zlib.error) as error:
        raise ShapeChanged("the sitemap", "cannot be decompressed") from error


class _LimitedStream(io.RawIOBase):
    """A stream that raises ShapeChanged beyond MAX_BYTES, because a small file can decompress to a huge one."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = MAX_BYTES

    def read(self, size: int = -1) -> bytes:
        """Read the next piece."""
        piece = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise ShapeChanged("the sitemap", f"is larger than {MAX_BYTES // 1_000_000} MB")
        return piece


def _read(stream: _LimitedStream) -> Sitemap:
    addresses: list[str] = []
    is_index, is_whole = False, True
    for root, element, depth in _elements(stream):
        is_index = ROOTS[_name(root)]
        if depth == 3 and _name(element) == "loc" and (address := (element.text or "").strip()):
            if len(addresses) == MAX_URLS:
                return Sitemap(is_index, tuple(addresses), False)
            if len(address) <= MAX_URL_LENGTH:
                addresses.append(address)
            else:
                is_whole = False
    return Sitemap(is_index, tuple(addresses), is_whole)


def _elements(stream: _LimitedStream) -> Iterator[tuple[Element, Element, int]]:
    """Yield the root, each element at its end tag, and its depth. Finished entries are dropped from memory."""
    path: list[Element] = []
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            path.append(element)
            if len(path) > MAX_DEPTH:
                raise ShapeChanged("the sitemap", "is nested too deeply")
            if len(path) == 1 and _name(element) not in ROOTS:
                raise ShapeChanged("the sitemap", f"is <{_name(element)[:40]}>, but <urlset> was expected")
            continue
        yield path[0], element, len(path)
        path.pop()
        if len(path) == 1:
            path[0].clear()


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
