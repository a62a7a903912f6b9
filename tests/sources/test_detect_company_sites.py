"""From a company's own page to its board: by markers, behind "View openings", by its own postings, and after a move."""

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
MADE_BY_TEAMTAILOR = b"<link rel=stylesheet href='https://assets-aws.teamtailor-cdn.com/x.css'>"


@pytest.fixture
def names(web, monkeypatch) -> list[str]:
    """The names below the company's domain are this server, and are looked at here without https."""
    really = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **more):
        return really("127.0.0.1" if str(host).endswith(DOMAIN) else host, port, *args, **more)

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", getaddrinfo)
    port = urlsplit(web.url).port
    return [f"{name}{DOMAIN}:{port}" for name in ("", "www.", "careers.")]


@pytest.fixture
def visiting(web, http_client, names):
    """Detect a page of the company's site, at a host that is asked without pauses."""
    there = make_client_with_robots_txt(web, own=frozenset(names))
    for name in names:
        there.limiter.set(f"robots:http://{name}", "", 60)
    return lambda path, name="www.": detect_url(there, f"http://{name}{names[0]}{path}")


def listed_site(web, *paths: str) -> None:
    """The sitemap that all names have."""
    rows = "".join(f"<url><loc>{path}</loc></url>" for path in paths)
    web.replies["/sitemap.xml"] = Reply(f"<urlset>{rows}</urlset>".encode())


def posting(title: str) -> Reply:
    script = json.dumps({"@type": "JobPosting", "title": title, "hiringOrganization": "Acme"})
    return Reply(f"<html><script type='application/ld+json'>{script}</script>".encode())


def test_detect_finds_a_board_on_an_own_domain_by_its_fingerprint(web, visiting):
    web.replies["/"] = Reply(MADE_BY_TEAMTAILOR)
    web.json("/jobs.json", FEED)
    found = visiting("/", "careers.")
    assert (found.source.key, str(found.board), found.postings) == ("teamtailor", f"careers.{DOMAIN}", 1)


def test_detect_prefers_a_linked_board_to_a_fingerprint(web, visiting):
    web.replies["/"] = Reply(MADE_BY_TEAMTAILOR + EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert visiting("/").source.key == "greenhouse"


def test_detect_follows_links_if_the_fingerprint_has_no_board(web, visiting):
    web.replies["/"] = Reply(MADE_BY_TEAMTAILOR + b"<a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert visiting("/").source.key == "greenhouse"


def test_detect_follows_one_level_of_links_to_openings(web, visiting, names):
    web.replies["/company"] = Reply(f"<a href='http://{names[2]}/open'>View openings</a>".encode())
    web.replies["/open"] = Reply(EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert str(visiting("/company").board) == "acme"


def test_detect_does_not_follow_a_second_level_of_links(web, visiting):
    web.replies["/company"] = Reply(b"<a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(b"<a href='/jobs/all'>All jobs</a>")
    web.replies["/jobs/all"] = Reply(EMBEDDED)
    with pytest.raises(NotRecognised):
        visiting("/company")
    assert "/jobs/all" not in web.paths()


def test_detect_follows_a_link_that_redirects_to_a_board(web, visiting):
    web.replies["/company"] = Reply(b"<a href='/gone'>Careers</a><a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(status=302, headers={"Location": "https://boards.greenhouse.io/acme"})
    web.json("/v1/boards/acme/jobs", JOBS)
    assert str(visiting("/company").board) == "acme"


def test_detect_follows_at_most_three_links(web, visiting):
    web.replies["/company"] = Reply(b"".join(b"<a href='/jobs/%d'>Jobs</a>" % number for number in range(9)))
    with pytest.raises(NotRecognised):
        visiting("/company")
    assert [path for path in web.paths() if path.startswith("/jobs/")] == ["/jobs/0", "/jobs/1", "/jobs/2"]


def test_detect_link_that_hangs_leaves_time_for_the_next(web, visiting, monkeypatch):
    monkeypatch.setattr(detect, "ONWARD_SECONDS", 3)
    monkeypatch.setattr(detect, "DETECT_SECONDS", 12)
    web.replies["/company"] = Reply(b"<a href='/jobs'>Jobs</a><a href='/careers'>Careers</a>")
    web.replies["/jobs"] = Reply(EMBEDDED, delay=40)
    web.replies["/careers"] = Reply(EMBEDDED)
    web.json("/v1/boards/acme/jobs", JOBS)
    assert str(visiting("/company").board) == "acme"


def test_detect_offers_several_boards_behind_a_link(web, visiting):
    web.replies["/company"] = Reply(b"<a href='/jobs'>Jobs</a>")
    web.replies["/jobs"] = Reply(b"<a href='https://jobs.lever.co/a'>A</a><a href='https://jobs.lever.co/b'>B</a>")
    with pytest.raises(SeveralBoards):
        visiting("/company")


def test_ssrf_link_to_a_private_address_is_not_followed(web, visiting):
    web.replies["/company"] = Reply(f"<a href='http://jobs.{DOMAIN}:1/'>Jobs</a><a href='/jobs'>Jobs</a>".encode())
    web.replies["/jobs"] = Reply(status=302, headers={"Location": "https://169.254.169.254/jobs"})
    with pytest.raises(NotRecognised):
        visiting("/company")


def test_detect_falls_back_to_the_company_website(web, visiting):
    web.replies["/about"] = Reply(b"<p>We bake.")
    listed_site(web, "/jobs/baker")
    web.replies["/jobs/baker"] = posting("Baker")
    found = visiting("/about")
    assert (found.source.key, str(found.board), found.name) == ("website", f"www.{DOMAIN}", "Acme")
    assert found.titles == ["Baker"] and found.is_complete


def test_detect_prefers_the_site_that_links_to_openings_lead_to(web, visiting, names):
    web.replies["/about"] = Reply(f"<a href='http://{names[2]}/list'>Our jobs</a>".encode())
    web.replies["/list"] = Reply(b"<p>Jobs.")
    listed_site(web, "/jobs/baker")
    web.replies["/jobs/baker"] = posting("Baker")
    assert str(visiting("/about").board) == f"careers.{DOMAIN}"


def test_detect_website_without_postings_is_not_recognised(web, visiting):
    web.replies["/about"] = Reply(b"<p>We bake.")
    listed_site(web, "/jobs/baker")
    web.replies["/jobs/baker"] = Reply(b"<p>Baker")
    with pytest.raises(NotRecognised, match=r"Ashby.*\)\. No posting that programs can read.*1 pages"):
        visiting("/about")


def test_detect_moved_board_offers_the_new_source(web, http_client):
    web.replies["/v1/boards/acme/jobs"] = Reply(status=301, headers={"Location": "https://jobs.lever.co/acme"})
    with pytest.raises(BoardMoved, match=r"Greenhouse has moved to Lever \(acme\)") as told:
        detect_board(http_client, "greenhouse", "acme")
    assert told.value.code == "moved"
    assert [(source.key, str(board)) for source, board in told.value.candidates] == [("lever", "acme")]
    assert [path for path in web.paths() if "lever" in path or "postings" in path] == []


def test_detect_moved_board_on_an_own_domain_is_found_by_its_page(web, visiting, names):
    own = make_client_with_robots_txt(web, own=frozenset(names))
    web.replies["/jobs.json"] = Reply(status=301, headers={"Location": f"http://{names[2]}/jobs.json"})
    web.replies["/"] = Reply(MADE_BY_TEAMTAILOR)
    with pytest.raises(BoardMoved) as told:
        detect_board(own, "teamtailor", "acme")
    [(source, board)] = told.value.candidates
    assert (source.key, str(board)) == ("teamtailor", f"careers.{DOMAIN}")


def test_detect_moved_website_offers_the_new_host(web, http_client):
    web.replies["/robots.txt"] = Reply(status=301, headers={"Location": "https://www.acme.invalid/robots.txt"})
    with pytest.raises(BoardMoved) as told:
        detect_board(http_client, "website", "acme.invalid")
    assert [(source.key, str(board)) for source, board in told.value.candidates] == [("website", "www.acme.invalid")]


@pytest.mark.parametrize("where", ["https://localhost/", "https://evil.invalid/", "ftp://acme.example/"])
def test_detect_moved_board_with_an_unknown_target_has_no_candidates(web, http_client, where):
    web.replies["/v1/boards/acme/jobs"] = Reply(status=301, headers={"Location": where})
    with pytest.raises(Exception) as told:
        detect_board(http_client, "greenhouse", "acme")
    assert not isinstance(told.value, BoardMoved) and (isinstance(told.value, Moved) or "ftp" in where)


def test_detect_matches_the_final_url_of_a_short_link(web, monkeypatch):
    """Where it led to is looked at as what was pasted is."""
    http_client = make_client_with_robots_txt(web, own=frozenset([urlsplit(web.url).netloc]))
    web.json("/api/v1/widget/accounts/acme", {"name": "Acme", "jobs": []})
    web.replies["/j/AB12"] = Reply(status=302, headers={"Location": "/acme/j/AB12/"})
    web.replies["/acme/j/AB12/"] = Reply(b"<html>Loading</html>")
    monkeypatch.setattr(
        "app.sources.detect.match_url",
        lambda url: match_url(url._replace(netloc="apply.workable.com")),
    )
    assert str(detect_url(http_client, f"{web.url}/j/AB12").board) == "acme"
