"""Sitemaps, read as a stream and no further than their own rules allow: https://www.sitemaps.org/protocol.html"""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from app.sources.errors import NotFound, ShapeChanged

MAX_BYTES = 50_000_000
MAX_URLS = 50_000
MAX_DEPTH = 12
MAX_URL_LENGTH = 2048

GZIP = b"\x1f\x8b"
ROOTS = {"urlset": False, "sitemapindex": True}


@dataclass(frozen=True)
class Sitemap:
    """What a sitemap lists."""

    is_index: bool
    """Whether that are further sitemaps."""
    addresses: tuple[str, ...]
    is_whole: bool
    """Whether that is everything; else it has more than a sitemap may have."""


def read_sitemap(body: bytes) -> Sitemap:
    """Read a sitemap or an index of sitemaps, compressed or not.

    Raises NotFound if it is a web page, ShapeChanged if it is anything else; also if it breaks off, because nothing of
    it would tell that.
    """
    if any(word in body[:1000].lower() for word in (b"<!doctype html", b"<html")):
        raise NotFound("There is a web page where the sitemap should be.")
    stream = gzip.GzipFile(fileobj=io.BytesIO(body)) if body[:2] == GZIP else io.BytesIO(body.lstrip())
    try:
        return _read(_Bounded(stream))
    except DefusedXmlException as error:
        raise ShapeChanged("the sitemap", "has a document type, which is not read") from error
    except (ParseError, LookupError, ValueError) as error:
        raise ShapeChanged("the sitemap", "is not valid XML") from error
    except (OSError, EOFError, zlib.error) as error:
        raise ShapeChanged("the sitemap", "cannot be unpacked") from error


class _Bounded(io.RawIOBase):
    """A stream that fails when more comes out of it than may: a small file can be unpacked to a huge one."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = MAX_BYTES

    def read(self, size: int = -1) -> bytes:
        """The next piece."""
        piece = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise ShapeChanged("the sitemap", f"is larger than {MAX_BYTES // 1_000_000} MB")
        return piece


def _read(stream: _Bounded) -> Sitemap:
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


def _elements(stream: _Bounded) -> Iterator[tuple[Element, Element, int]]:
    """The root and each element with its depth, as they end; what was seen is forgotten entry by entry."""
    path: list[Element] = []
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            path.append(element)
            if len(path) > MAX_DEPTH:
                raise ShapeChanged("the sitemap", "is nested too deeply")
            if len(path) == 1 and _name(element) not in ROOTS:
                raise ShapeChanged("the sitemap", f"is <{_name(element)[:40]}>, where <urlset> was expected")
            continue
        yield path[0], element, len(path)
        path.pop()
        if len(path) == 1:
            path[0].clear()


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
