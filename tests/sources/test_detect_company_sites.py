"""Detection from a company's own site: by fingerprints, by links to openings, by its postings, and after a move."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from app.sources import detect
from app.sources.adapters.registry import match_url
from app.sources.detect import BoardMoved, NotRecognised, SeveralBoards, detect_board, detect_url
from app.sources.errors import Moved
from app.sources.http import ssrf
from tests.sources.conftest import make_client_with_robots_txt
from tests.support.web import Reply

DOMAIN = "acme.example"
JOBS = {"jobs": [{"id": 1, "title": "Baker", "absolute_url": "https://acme.example/1", "company_name": "Acme"}]}
FEED = {"title": "Acme", "items": [{"id": "1", "title": "Baker", "url": "/jobs/1", "_jobposting": {"title": "Baker"}}]}
EMBEDDED = b"<script src='https://boards.greenhouse.io/embed/job_board/js?for=acme'></script>"
TEAMTAILOR_PAGE = b"<link rel=stylesheet href='https://assets-aws.teamtailor-cdn.com/x.css'>"


@pytest.fixture
def site_hosts(web, monkeypatch) -> list[str]:
    """The company's hosts, which all resolve to the test's server and are used without https."""
    really = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **more):
        return really("127.0.0.1" if str(host).endswith(DOMAIN) else host, port, *args, **more)

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", getaddrinfo)
    port = urlsplit(web.url).port
    return [f"{name}{DOMAIN}:{port}" for name in ("", "www.", "careers.")]


@pytest.fixture
def detect_page(web, http_client, site_hosts):
    """A function that detects the board of a page on the company's site, without pauses."""
    own_client = make_client_with_robots_txt(web, allowed_private_hosts=frozenset(site_hosts))
    for host in site_hosts:
        own_client.limiter.set(f"robots:http://{host}", "", 60)
    return lambda path, prefix="www.": detect_url(own_client, f"http://{prefix}{site_hosts[0]}{path}")


def serve_sitemap(web, *paths: str) -> None:
    """Serve a sitemap with these paths on every host name."""
    rows = "".join(f"<url><loc>{path}</loc></url>" for path in paths)
    web.replies["/sitemap.xml"] = Reply(f"<urlset>{rows}</urlset>".encode())


def posting(title: str) -> Reply:
    script = json.dumps({"@type": "JobPosting", "title": title, "hiringOrganization": "Acme"})
    return Reply(f"<html><script type='application/ld+json'>{script}</script>".encode())


def test_detect_finds_a_board_on_an_own_domain_by_its_fingerprint(web, detect_page):
    web.replies["/"] = Reply(TEAMTAILOR_PAGE)
    web.json("/jobs.json", FEED)
    found = detect_page("/", "careers.")
    assert (found.source.key, str(found.board), found.postings) == ("teamtailor", f"careers.{DOMAIN}", 1)


def test_detect_prefers_a_linked_board_to_a_fingerprint(web, detect_page):
    web.replies["/"] = Reply(TEAMTAILOR_PAGE + EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert detect_page("/").source.key == "greenhouse"


def test_detect_follows_links_if_the_fingerprint_has_no_board(web, detect_page):
    web.replies["/"] = Reply(TEAMTAILOR_PAGE + b"<a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert detect_page("/").source.key == "greenhouse"


def test_detect_follows_one_level_of_links_to_openings(web, detect_page, site_hosts):
    web.replies["/company"] = Reply(f"<a href='http://{site_hosts[2]}/open'>View openings</a>".encode())
    web.replies["/open"] = Reply(EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert str(detect_page("/company").board) == "acme"


def test_detect_does_not_follow_a_second_level_of_links(web, detect_page):
    web.replies["/company"] = Reply(b"<a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(b"<a href='/jobs/all'>All jobs</a>")
    web.replies["/jobs/all"] = Reply(EMBEDDED)
    with pytest.raises(NotRecognised):
        detect_page("/company")
    assert "/jobs/all" not in web.paths()


def test_detect_follows_a_link_that_redirects_to_a_board(web, detect_page):
    web.replies["/company"] = Reply(b"<a href='/gone'>Careers</a><a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(status=302, headers={"Location": "https://boards.greenhouse.io/acme"})
    web.json("/v1/boards/acme/jobs", JOBS)
    assert str(detect_page("/company").board) == "acme"


def test_detect_follows_at_most_three_links(web, detect_page):
    web.replies["/company"] = Reply(b"".join(b"<a href='/jobs/%d'>Jobs</a>" % number for number in range(9)))
    with pytest.raises(NotRecognised):
        detect_page("/company")
    assert [path for path in web.paths() if path.startswith("/jobs/")] == ["/jobs/0", "/jobs/1", "/jobs/2"]


def test_detect_link_that_hangs_leaves_time_for_the_next(web, detect_page, monkeypatch):
    monkeypatch.setattr(detect, "LINK_TIMEOUT", 3)
    monkeypatch.setattr(detect, "DETECT_SECONDS", 12)
    web.replies["/company"] = Reply(b"<a href='/jobs'>Jobs</a><a href='/careers'>Careers</a>")
    web.replies["/jobs"] = Reply(EMBEDDED, delay=40)
    web.replies["/careers"] = Reply(EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert str(detect_page("/company").board) == "acme"


def test_detect_offers_several_boards_behind_a_link(web, detect_page):
    web.replies["/company"] = Reply(b"<a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(b"<a href='https://jobs.lever.co/a'>A</a><a href='https://jobs.lever.co/b'>B</a>")
    with pytest.raises(SeveralBoards):
        detect_page("/company")


def test_ssrf_link_to_a_private_address_is_not_followed(web, detect_page):
    web.replies["/company"] = Reply(f"<a href='http://jobs.{DOMAIN}:1/'>Jobs</a><a href='/jobs'>Jobs</a>".encode())
    web.replies["/jobs"] = Reply(status=302, headers={"Location": "https://169.254.169.254/jobs"})
    with pytest.raises(NotRecognised):
        detect_page("/company")


def test_detect_falls_back_to_the_company_website(web, detect_page):
    web.replies["/about"] = Reply(b"<p>We bake.")
    serve_sitemap(web, "/jobs/baker")
    web.replies["/jobs/baker"] = posting("Baker")
    found = detect_page("/about")
    assert (found.source.key, str(found.board), found.name) == ("website", f"www.{DOMAIN}", "Acme")
    assert found.titles == ["Baker"] and found.is_complete


def test_detect_prefers_the_site_with_the_openings(web, detect_page, site_hosts):
    web.replies["/about"] = Reply(f"<a href='http://{site_hosts[2]}/list'>Our jobs</a>".encode())
    web.replies["/list"] = Reply(b"<p>Jobs.")
    serve_sitemap(web, "/jobs/baker")
    web.replies["/jobs/baker"] = posting("Baker")
    assert str(detect_page("/about").board) == f"careers.{DOMAIN}"


def test_detect_website_without_postings_is_not_recognised(web, detect_page):
    web.replies["/about"] = Reply(b"<p>We bake.")
    serve_sitemap(web, "/jobs/baker")
    web.replies["/jobs/baker"] = Reply(b"<p>Baker")
    with pytest.raises(NotRecognised, match=r"Ashby.*\)\. No readable job postings.*pages read: 1"):
        detect_page("/about")


def test_detect_moved_board_offers_the_new_source(web, http_client):
    web.replies["/v1/boards/acme/jobs"] = Reply(status=301, headers={"Location": "https://jobs.lever.co/acme"})
    with pytest.raises(BoardMoved, match=r"Greenhouse has moved to Lever \(acme\)") as raised:
        detect_board(http_client, "greenhouse", "acme")
    assert raised.value.code == "moved"
    assert [(each.source.key, str(each.board)) for each in raised.value.candidates] == [("lever", "acme")]
    assert [path for path in web.paths() if "lever" in path or "postings" in path] == []


def test_detect_moved_board_on_an_own_domain_is_found_by_its_page(web, detect_page, site_hosts):
    own = make_client_with_robots_txt(web, allowed_private_hosts=frozenset(site_hosts))
    web.replies["/jobs.json"] = Reply(status=301, headers={"Location": f"http://{site_hosts[2]}/jobs.json"})
    web.replies["/"] = Reply(TEAMTAILOR_PAGE)
    with pytest.raises(BoardMoved) as raised:
        detect_board(own, "teamtailor", "acme")
    [candidate] = raised.value.candidates
    assert (candidate.source.key, str(candidate.board)) == ("teamtailor", f"careers.{DOMAIN}")


def test_detect_moved_website_offers_the_new_host(web, http_client):
    web.replies["/robots.txt"] = Reply(status=301, headers={"Location": "https://www.acme.invalid/robots.txt"})
    with pytest.raises(BoardMoved) as raised:
        detect_board(http_client, "website", "acme.invalid")
    assert [(each.source.key, str(each.board)) for each in raised.value.candidates] == [("website", "www.acme.invalid")]


@pytest.mark.parametrize("where", ["https://localhost/", "https://evil.invalid/", "ftp://acme.example/"])
def test_detect_moved_board_with_an_unknown_target_has_no_candidates(web, http_client, where):
    web.replies["/v1/boards/acme/jobs"] = Reply(status=301, headers={"Location": where})
    with pytest.raises(Exception) as raised:
        detect_board(http_client, "greenhouse", "acme")
    assert not isinstance(raised.value, BoardMoved) and (isinstance(raised.value, Moved) or "ftp" in where)


def test_detect_matches_the_final_url_of_a_short_link(web, monkeypatch):
    """The final URL is matched like a pasted one."""
    http_client = make_client_with_robots_txt(web, allowed_private_hosts=frozenset([urlsplit(web.url).netloc]))
    web.json("/api/v1/widget/accounts/acme", {"name": "Acme", "jobs": []})
    web.replies["/j/AB12"] = Reply(status=302, headers={"Location": "/acme/j/AB12/"})
    web.replies["/acme/j/AB12/"] = Reply(b"<html>Loading</html>")
    monkeypatch.setattr(
        "app.sources.detect.match_url",
        lambda url: match_url(url._replace(netloc="apply.workable.com")),
    )
    assert str(detect_url(http_client, f"{web.url}/j/AB12").board) == "acme"
