"""Sitemaps: valid, broken and hostile."""

import gzip
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.deadline import Deadline
from app.sources.errors import NotFound, OutOfTime, ShapeChanged, SourceError
from app.sources.parsing import sitemap
from app.sources.parsing.sitemap import Sitemap, read_sitemap
from app.sources.parsing.xml import MAX_ELEMENTS, PIECE_LENGTH

packed = partial(gzip.compress, mtime=0)
URLSET = b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>%s</urlset>"
ONE = URLSET % b"<url><loc>https://acme.example/jobs/1</loc></url>"
HEAD = b"<?xml version='1.0' encoding='UTF-8'?>"
BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><urlset><url><loc>&b;</loc></url></urlset>"
EXTERNAL = b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><urlset><url><loc>&a;</loc></url></urlset>"
PIECES = [b"<urlset>", b"</urlset>", b"<url>", b"</url>", b"<loc>", b"</loc>", b"<a:b>", b"&a;", b"<!--", b"\x1f\x8b"]


def test_read_sitemap_ignores_image_urls():
    entry = (
        b"<url>\n <loc>\n https://acme.example/a?x=1&amp;y=2 </loc><lastmod>2026-01-01</lastmod>"
        b"<image:image xmlns:image='http://i'><image:loc>https://acme.example/jobs.png</image:loc></image:image></url>"
    )
    assert read_sitemap(URLSET % entry) == Sitemap(False, ("https://acme.example/a?x=1&y=2",), True)


def test_read_sitemap_distinguishes_index_and_urlset():
    body = b"<sitemapindex><sitemap><loc>https://acme.example/1.xml</loc></sitemap></sitemapindex>"
    assert read_sitemap(body) == Sitemap(True, ("https://acme.example/1.xml",), True)
    assert read_sitemap(b"<urlset/>") == Sitemap(False, (), True)


@pytest.mark.parametrize(
    "body",
    [ONE, b"\n\n" + HEAD + ONE, b"\xef\xbb\xbf" + HEAD + ONE, packed(HEAD + ONE)],
    ids=["plain", "blank lines", "byte order mark", "gzip"],
)
def test_read_sitemap_accepts_gzip_bom_and_leading_blank_lines(body):
    assert read_sitemap(body).addresses == ("https://acme.example/jobs/1",)


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>", b"\n<html lang=en>", b"<!doctype HTML>"])
def test_read_sitemap_rejects_a_web_page(body):
    with pytest.raises(NotFound, match="web page"):
        read_sitemap(body)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"text", b"<rss></rss>", b"<urlset>", ONE[:-3], b"<urlset>\xff</urlset>", b"{}"),
        *(packed(ONE)[:-12], b"\x1f\x8b", b"\x1f\x8b\x08" + b"x" * 40, packed(b"<html>")),
        b"<?xml version='1.0' encoding='martian'?><urlset/>",
    ],
)
def test_read_sitemap_rejects_other_and_truncated_documents(body):
    with pytest.raises(ShapeChanged):
        read_sitemap(body)


@pytest.mark.parametrize("body", [BOMB, EXTERNAL, packed(BOMB)], ids=["bomb", "external file", "bomb in gzip"])
def test_read_sitemap_refuses_entities(body):
    with pytest.raises(ShapeChanged, match="document type"):
        read_sitemap(body)


def test_read_sitemap_refuses_a_compression_bomb(monkeypatch):
    monkeypatch.setattr(sitemap, "MAX_BYTES", 1_000_000)
    body = packed(URLSET % (b"<url>" + b" " * 3_000_000 + b"</url>"))
    assert len(body) < 10_000
    with pytest.raises(ShapeChanged, match="larger than 1 MB"):
        read_sitemap(body)


def test_read_sitemap_refuses_many_compressed_members():
    """A member of 20 bytes costs a new decompressor, and gives nothing that the limit of the size would count."""
    first, empty, last = packed(b"<urlset>"), packed(b""), packed(b"</urlset>")
    assert read_sitemap(first + empty * (sitemap.MAX_MEMBERS - 2) + last + bytes(200_000)) == Sitemap(False, (), True)
    with pytest.raises(ShapeChanged, match="too many parts"):
        read_sitemap(first + empty * (sitemap.MAX_MEMBERS - 1) + last)


def test_read_sitemap_is_decompressed_piece_by_piece():
    body = packed(b"<urlset>" + b"<url/>" * 500_000)
    lengths = [len(piece) for piece in sitemap._decompressed(body)]
    assert sum(lengths) == 3_000_008 and max(lengths) <= PIECE_LENGTH


@pytest.mark.parametrize("around", [b"%s", b"  \n%s"])
def test_read_sitemap_has_the_limits_of_xml(around):
    for body in (around % (b"<urlset>" + b"<url/>" * MAX_ELEMENTS), packed(b"<urlset>" + b"<url/>" * MAX_ELEMENTS)):
        with pytest.raises(ShapeChanged, match="more than 1,000,000 elements"):
            read_sitemap(body)


def test_read_sitemap_stops_at_the_deadline():
    for body in (ONE, packed(ONE)):
        with pytest.raises(OutOfTime):
            read_sitemap(body, Deadline.of(-1))


def test_read_sitemap_refuses_deep_nesting():
    with pytest.raises(ShapeChanged, match="deeply"):
        read_sitemap(b"<urlset>" + b"<a>" * 1_000_000)


def test_read_sitemap_beyond_max_urls_is_truncated_and_flagged(monkeypatch):
    monkeypatch.setattr(sitemap, "MAX_URLS", 2)
    rows = b"".join(b"<url><loc>https://acme.example/%d</loc></url>" % number for number in range(5))
    found = read_sitemap(URLSET % rows)
    assert len(found.addresses) == 2 and not found.is_whole


@pytest.mark.parametrize(("letter", "kept"), [(b"x", 10), ("é".encode(), 2)])
def test_read_sitemap_keeps_addresses_up_to_a_size(monkeypatch, letter, kept):
    """A letter beyond ASCII counts as four, which is the most that it takes in memory."""
    monkeypatch.setattr(sitemap, "MAX_SIZE", 1000)
    found = read_sitemap(URLSET % (b"<url><loc>%s</loc></url>" % (letter * 100) * 20))
    assert (len(found.addresses), found.is_whole) == (kept, False)


def test_read_sitemap_joins_the_pieces_of_an_address():
    found = read_sitemap(URLSET % b"<url><loc>\n a&amp;b<!-- -->c<![CDATA[d]]>\n</loc><loc/></url><loc>e</loc>")
    assert found == Sitemap(False, ("a&bcd",), True)


def test_read_sitemap_skips_and_flags_an_overlong_url():
    found = read_sitemap(URLSET % b"<url><loc>https://acme.example/%s</loc></url>" % (b"x" * 3000))
    assert found == Sitemap(False, (), False)


@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=12).map(b"".join))
def test_read_sitemap_survives_fuzzed_bytes(body):
    for each in (body, b"<urlset>" + body, packed(body)):
        try:
            assert isinstance(read_sitemap(each), Sitemap)
        except SourceError:
            pass
