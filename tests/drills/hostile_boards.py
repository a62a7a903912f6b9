"""The boards of hostile servers, as data. A further attack is a further entry.

``SMALL_BOARDS`` are the sound boards of other users at the same systems.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.drills.hostile_bodies import PAGE, TEXT, XML, Body, Reply, literal, numbered, postings, repeated
from tests.support.boards import job

EMOJI = "\U0001f600"
"""A character that makes Python store a text with four bytes for each character."""

PAGE_BYTES = 3_990_000
"""Bytes of a web page: a little less than the product reads."""

ROBOTS_BYTES = 500_000
MAX_SITEMAP_BYTES = 49_000_000

SMALL = 20
"""The number of postings of a sound board."""

HOST = "example.org"
"""The domain below which websites have their host names."""


@dataclass(frozen=True)
class Board:
    """A board: its source, and its replies by the end of the path. The first end that matches is used."""

    source: str
    replies: Mapping[str, Reply]
    is_sound: bool = False
    """True if the board keeps to all rules, so that it must be read."""
    is_slow: bool = False
    """True for the boards of a slow server, which are read several at a time."""
    terms: tuple[str, ...] = ()
    """The terms of both filters of the company."""


def lever(body: Body, **more: object) -> Board:
    """Return a board at Lever."""
    return Board("lever", {"": Reply(body)}, **more)


def greenhouse(body: Body) -> Board:
    """Return a board at Greenhouse."""
    return Board("greenhouse", {"": Reply(body)})


def personio(body: Body) -> Board:
    """Return a board at Personio."""
    return Board("personio", {"": Reply(body, XML)})


def website(sitemap: Reply, pages: Mapping[str, Reply] | None = None, robots: Body = literal("")) -> Board:
    """Return a company's website."""
    return Board("website", {"robots.txt": Reply(robots, TEXT), "sitemap.xml": sitemap, **(pages or {})})


def sitemap_of(*paths: str) -> Reply:
    """Return a small sitemap of these paths. Addresses are relative, because the host's name leads nowhere."""
    return Reply(literal(f"<urlset>{''.join(f'<url><loc>{path}</loc></url>' for path in paths)}</urlset>"), XML)


def gzip_file(body: Body) -> Body:
    """Return the body as a gzip file."""
    return lambda first: [gzip.compress(b"".join(body(first)), 1)]


def _layer(_first: int) -> list[bytes]:
    """Return 30 GB of blanks as a gzip file of many members."""
    return [gzip.compress(b" " * 30_000_000, 9)] * 1000


def _members(count: int) -> Body:
    return numbered('[{"id":"1","text":"Baker"', lambda number: f',"m{number}":0', "}]", count)


def _robots(agents: int, rules: int) -> Body:
    names = numbered("", lambda number: f"User-agent: a{number}\n", "", agents)
    paths = numbered("", lambda number: f"Disallow: /{number}\n", "", rules)
    return lambda first: [*names(0), b"User-agent: *\n", *paths(0)]


STARS = "/" + "*a" * 40 + "*b$"
THROTTLED = Reply(literal(""), PAGE, 429, (("Retry-After", "3600"),))
JSON_LD = '<script type="application/ld+json">{"@type":"JobPosting","mainEntity":['
PAGES = {
    "job-1": Reply(repeated("<html>", "<script", "", PAGE_BYTES), PAGE),
    "job-2": Reply(repeated("<html>", "<!--", "", PAGE_BYTES), PAGE),
    "job-3": Reply(repeated("<html>", "&", "", PAGE_BYTES), PAGE),
    "job-4": Reply(repeated("<html>", "<script></script>", "", PAGE_BYTES), PAGE),
}
DATA_PAGES = {
    "job-1": Reply(repeated(JSON_LD, "{},", "{}]}</script>", PAGE_BYTES), PAGE),
    "job-2": Reply(repeated(JSON_LD, "[", "]}</script>", PAGE_BYTES), PAGE),
    "job-3": Reply(repeated(JSON_LD, '{"@type":"JobPosting"},', "{}]}</script>", PAGE_BYTES), PAGE),
    "job-4": Reply(repeated(f'{JSON_LD}],"@type":[', '"a",', '"JobPosting"]}</script>', PAGE_BYTES), PAGE),
}

BOARDS: dict[str, Board] = {
    # Rows of rubbish.
    "rows-of-objects": lever(repeated("[", "{},", "{}]")),
    "rows-of-numbers": lever(repeated("[", "1,", "1]")),
    "brackets": lever(repeated("", "[", "")),
    "members": lever(_members(2_000_000)),
    "offices": greenhouse(repeated('{"jobs":[{"id":1,"title":"Baker","offices":[', "{},", "{}]}]}")),
    "sections": lever(repeated('[{"id":"1","text":"Baker","lists":[', '{"content":"a"},', "{}]}]")),
    # Long texts.
    "long-text": lever(repeated(f'[{{"id":"1","text":"Baker","description":"{EMOJI}', "a", '"}]')),
    "long-title": lever(repeated(f'[{{"id":"1","text":"{EMOJI}', "a,", '"}]')),
    "long-place": lever(repeated('[{"id":"1","text":"Baker","categories":{"location":"', "a;", '"}}]')),
    "markup": lever(repeated('[{"id":"1","text":"Baker","description":"', "<p>&lt;", '"}]')),
    # Many postings.
    "hundred-pages": lever(postings(100, lambda number: f"Baker {number}", EMOJI + "word " * 63_000)),
    "texts": lever(postings(9_000, lambda number: f"Baker {number}", EMOJI + "word " * 680), is_sound=True),
    "many-postings": lever(postings(200_000, lambda number: f"Baker {number}")),
    # Filters.
    "stars": lever(
        postings(20_000, lambda number: "a" * 490 + f" {number}"), is_sound=True,
        terms=tuple(f"*{'a' * 94}{number:02}x*" for number in range(50)),
    ),
    # Two layers of compression, of which the inner one is a thousand times the outer.
    "layers": Board(
        "lever",
        {"": Reply(gzip_file(_layer), is_compressed=False, headers=(("Content-Encoding", "gzip, gzip"),))},
    ),
    # XML.
    "elements": personio(repeated("<workzag-jobs>", "<a/>", "</workzag-jobs>")),
    "positions": personio(repeated("<workzag-jobs>", "<position/>", "</workzag-jobs>")),
    "attributes": personio(
        numbered("<workzag-jobs><position", lambda number: f' a{number}=""', "/></workzag-jobs>", 2_500_000)
    ),
    "names": personio(numbered("<workzag-jobs>", lambda number: f"<a{number}/>", "</workzag-jobs>", 2_800_000)),
    "nested": personio(repeated("<workzag-jobs>", "<a>", "")),
    "xml-text": personio(
        repeated(f"<workzag-jobs><position><id>1</id><name>{EMOJI}", "a", "</name></position></workzag-jobs>")
    ),
    "sitemap-elements": website(Reply(repeated("<urlset>", "<a/>", "</urlset>"), XML)),
    "sitemap-entry": website(Reply(repeated("<urlset><url>", "<a/>", "</url></urlset>"), XML)),
    "sitemap-attributes": website(
        Reply(numbered("<urlset><url", lambda number: f' a{number}=""', "/></urlset>", 2_500_000), XML)
    ),
    "sitemap-names": website(
        Reply(numbered("<urlset>", lambda number: f"<a{number}/>", "</urlset>", 2_800_000), XML)
    ),
    "sitemap-text": website(Reply(repeated(f"<urlset><url><loc>{EMOJI}", "a", "</loc></url></urlset>"), XML)),
    "sitemap-bomb": website(
        Reply(
            gzip_file(repeated("<urlset>", "<url><loc>/x</loc></url>", "</urlset>", MAX_SITEMAP_BYTES)), XML,
            is_compressed=False,
        )
    ),
    "addresses": website(
        Reply(
            numbered(
                "<urlset>", lambda number: f"<url><loc>/jobs/{number}/{'é' * 980}</loc></url>", "</urlset>", 15_000
            ),
            XML,
        ),
        {"": THROTTLED},
    ),
    "foreign-addresses": website(
        Reply(
            numbered(
                "<urlset>", lambda number: f"<url><loc>https://b.example/jobs/{number}/{'a' * 560}</loc></url>",
                "</urlset>", 50_000,
            ),
            XML,
        ),
    ),
    "pages": website(sitemap_of(*PAGES), PAGES),
    "data-pages": website(sitemap_of(*DATA_PAGES), DATA_PAGES),
    # robots.txt, as the site's first response.
    "site-robots": website(sitemap_of("job-1"), {}, _robots(10_000, 18_000)),
    "site-sitemaps": website(
        sitemap_of("job-1"), {}, numbered("", lambda number: f"Sitemap: /{number}.xml\n", "", 1_000_000)
    ),
    # robots.txt, as the rules of a host: see ROBOTS.
    "robots-agents": Board("workable", {"": Reply(literal('{"name":"Acme","jobs":[]}'))}),
    "robots-" + "a" * 60: Board("ashby", {"": Reply(literal('{"jobs":[]}'))}),
}

ROBOTS: dict[str, Body] = {
    "workable": _robots(10_000, 18_000),
    "ashby": repeated("User-agent: *\n", f"Disallow: {STARS}\n", "", ROBOTS_BYTES),
}
"""The robots.txt of the whole host of a source."""

SLOW: dict[str, Reply] = {
    "drip": Reply(literal(""), byte_seconds=1.0),
    "chunks": Reply(literal(""), is_chunked=True),
    "silent": Reply(literal(""), is_silent=True),
}
BOARDS |= {name: Board("lever", {"": reply}, is_slow=True) for name, reply in SLOW.items()}
BOARDS |= {f"slow-{name}": Board("recruitee", {"": reply}, is_slow=True) for name, reply in SLOW.items()}

JOBS = [job(number, f"Baker {number}") for number in range(1, SMALL + 1)]
POSITIONS = "".join(f"<position><id>{each['id']}</id><name>{each['title']}</name></position>" for each in JOBS)
POSTING = '<script type="application/ld+json">{"@type":"JobPosting","title":"Baker","description":"Bread"}</script>'

SMALL_BOARDS: dict[str, Board] = {
    "lever": lever(postings(SMALL, lambda number: f"Baker {number}")),
    "greenhouse": greenhouse(literal(json.dumps({"jobs": JOBS}))),
    "personio": personio(literal(f"<workzag-jobs>{POSITIONS}</workzag-jobs>")),
    "website": website(sitemap_of("job-1"), {"job-1": Reply(literal(POSTING), PAGE)}),
}
"""The sound boards of other users, by source."""

SMALL_NAME = "small"


def token(source: str, name: str, way: str) -> str:
    """Return the name of a board at its source. ``way`` tells the boards of two readings apart."""
    return f"{name}-{way}.{HOST}" if source == "website" else f"{name}-{way}"


def find(source: str, path: str) -> Board | None:
    """Return the board that a request's path names, or None."""
    for segment in path.split("/"):
        name = segment.removesuffix(f".{HOST}").rpartition("-")[0]
        board = SMALL_BOARDS.get(source) if name == SMALL_NAME else BOARDS.get(name)
        if board and board.source == source:
            return board
    return None
