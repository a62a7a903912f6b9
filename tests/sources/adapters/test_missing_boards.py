"""Boards whose own address answers 404 or 410, apart from all other failures."""

import pytest

from app.sources.errors import NotFound, SourceError
from app.sources.listing import list_board
from tests.sources.adapters.test_seen_records import BOARDS
from tests.sources.adapters.test_website import page, serve_site, sitemap
from tests.support.web import Reply, Web


def failure(http_client, source: str, board: str = "acme") -> SourceError:
    with pytest.raises(SourceError) as raised:
        list_board(http_client, source, board)
    return raised.value


@pytest.mark.parametrize("source", BOARDS)
@pytest.mark.parametrize("status", [404, 410])
def test_board_that_answers_404_or_410_is_missing(web, http_client, source, status):
    web.replies[BOARDS[source][0]] = Reply(b"{}", status)
    assert failure(http_client, source).is_missing is True


@pytest.mark.parametrize("source", BOARDS)
@pytest.mark.parametrize(
    "reply",
    [Reply(status=403), Reply(status=451), Reply(b"<html>"), Reply(status=302, headers={"Location": "/not-found"})],
    ids=["403", "451", "a web page", "a redirect to a missing page"],
)
def test_board_with_another_failure_is_not_missing(web, http_client, source, reply):
    web.replies[BOARDS[source][0]] = reply
    assert failure(http_client, source).is_missing is False


@pytest.mark.parametrize("status", [200, 404])
def test_lever_board_with_the_documented_answer_is_missing(web, http_client, status):
    web.json("/v0/postings/acme", {"ok": False, "error": "Document not found"}, status=status)
    assert failure(http_client, "lever").is_missing is True


@pytest.mark.parametrize("status", [200, 404])
def test_lever_board_whose_second_page_is_missing_is_not(web, http_client, status):
    web.json("/v0/postings/acme?mode=json&skip=0&limit=100", [{"id": str(n), "text": "x"} for n in range(100)])
    web.json("/v0/postings/acme?mode=json&skip=100&limit=100", {"ok": False}, status=status)
    error = failure(http_client, "lever")
    assert isinstance(error, NotFound) and error.is_missing is False


def test_personio_board_whose_german_feed_is_missing_is_not(web: Web, http_client):
    feed = b"<workzag-jobs><position><id>1</id><name>Baker</name></position></workzag-jobs>"
    web.replies["/xml?language=en"] = Reply(feed)
    assert failure(http_client, "personio").is_missing is False


@pytest.mark.parametrize("status", [404, 410])
def test_website_whose_robots_txt_and_sitemap_are_missing_is_not(web, http_client, status):
    web.replies |= {"/robots.txt": Reply(status=status), "/sitemap.xml": Reply(status=status)}
    assert failure(http_client, "website", "careers.acme.com").is_missing is False


@pytest.mark.parametrize("jobs", [{"a": Reply(status=404)}, {"a": page()}, {}], ids=["missing", "empty", "none"])
def test_website_without_readable_postings_is_not_missing(web, http_client, jobs):
    serve_site(web, maps=None if jobs else {"/sitemap.xml": sitemap()}, **jobs)
    assert failure(http_client, "website", "careers.acme.com").is_missing is False


def test_board_with_an_invalid_name_is_not_missing(http_client):
    assert failure(http_client, "greenhouse", "../x").is_missing is False
