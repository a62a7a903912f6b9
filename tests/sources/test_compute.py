"""The ``compute`` hook of HttpClient: parsing runs where the caller chooses, and does no input or output."""

import contextvars
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from app.sources.detect import detect_board, detect_url
from app.sources.listing import list_board
from app.sources.parsing import postings
from tests.sources.conftest import make_client
from tests.support.web import Reply, Web

PARSERS = tuple(
    f"app/sources/{name}.py"
    for name in (
        "careers_page",
        *("parsing/html_tokens", "parsing/jobposting", "parsing/sitemap", "parsing/xml"),
        *("parsing/json_record", "parsing/json_rows", "parsing/html_text", "parsing/postings"),
    )
)
NOT_PURE = ("structlog", "logging", "sqlalchemy", "psycopg", "redis", "flask", "prometheus_client", "urllib3")

POSTING = {"@type": "JobPosting", "title": "Baker", "hiringOrganization": "Acme", "description": "<p>Bake.</p>"}
PAGE = f"<html><script type='application/ld+json'>{json.dumps(POSTING)}</script>".encode()
FEED = b"<workzag-jobs><position><id>1</id><name>Baker</name></position></workzag-jobs>"


@contextmanager
def recorded_files() -> Iterator[list[str]]:
    """Record the files of all functions that this thread calls during the block."""
    files: list[str] = []

    def enter(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            files.append(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(enter)
    try:
        yield files
    finally:
        sys.setprofile(before)


@pytest.fixture
def compute_thread() -> Iterator[tuple[ThreadPoolExecutor, list[str]]]:
    """A ``compute`` function that runs in its own thread, and the files of all functions called in it."""
    files: list[str] = []

    def run(function, *arguments):
        with recorded_files() as called:
            try:
                return contextvars.Context().run(function, *arguments)
            finally:
                files.extend(called)

    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *arguments: pool.submit(run, function, *arguments).result(), files


@pytest.fixture
def site(web: Web) -> Web:
    """A company's site with two pages, a sitemap and a posting, and the company's boards at two sources."""
    web.replies["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 0\n")
    web.replies["/sitemap.xml"] = Reply(b"<urlset><url><loc>/jobs/1</loc></url></urlset>")
    web.replies["/jobs/1"] = Reply(PAGE)
    web.replies["/about"] = Reply(b"<a href='/work'>Open positions</a>")
    web.replies["/work"] = Reply(b"<script src='https://boards.greenhouse.io/embed/job_board/js?for=acme'></script>")
    web.json("/v1/boards/acme/jobs", {"jobs": [{"id": 1, "title": "Baker", "content": "x"}]})
    web.json("/v1/boards/acme", {"name": "Acme"})
    web.replies["/xml"] = Reply(FEED)
    return web


@pytest.mark.parametrize(
    "find",
    [
        lambda http_client, web: detect_url(http_client, f"{web.url}/about"),
        lambda http_client, web: detect_board(http_client, "website", "careers.acme.example"),
        lambda http_client, web: detect_board(http_client, "personio", "acme"),
    ],
    ids=["a page behind a page", "a website", "a feed"],
)
def test_compute_runs_all_parsing_and_only_pure_code(site, compute_thread, find):
    compute, compute_files = compute_thread
    http_client = make_client(site, allowed_private_hosts=frozenset([urlsplit(site.url).netloc]), compute=compute)
    with recorded_files() as caller_files:
        found = find(http_client, site)
    assert (found.postings, found.titles) == (1, ["Baker"])
    assert not [file for file in caller_files if file.endswith(PARSERS) or "/protego/" in file]
    assert {"postings.py", "html_text.py", "_protego.py"} <= {Path(file).name for file in compute_files}
    assert not [file for file in compute_files if any(f"/{library}/" in file for library in NOT_PURE)]


def test_compute_leaves_logging_to_the_calling_thread(site, compute_thread, monkeypatch):
    compute, compute_files = compute_thread
    monkeypatch.setattr(postings, "texts", lambda *_: 1 / 0)
    with capture_logs() as logged:
        listing = list_board(make_client(site, compute=compute), "greenhouse", "acme")
    assert (listing.postings, listing.unparsed) == ((), 1)
    [event] = logged
    assert (event["event"], event["external_id"]) == ("posting not parsed", "1")
    assert isinstance(event["exc_info"], ZeroDivisionError)
    assert not [file for file in compute_files if "/structlog/" in file]


def test_detection_does_not_render_texts(site, http_client, monkeypatch):
    assert list_board(http_client, "greenhouse", "acme").postings[0].description == "x"
    monkeypatch.setattr(postings, "texts", lambda *_: 1 / 0)
    assert detect_board(http_client, "greenhouse", "acme").titles == ["Baker"]
