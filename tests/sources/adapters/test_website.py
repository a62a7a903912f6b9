"""The website source: robots.txt, sitemaps and pages, and their faults."""

import gzip
import html
import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.sources.adapters.registry import SOURCES
from app.sources.deadline import Deadline
from app.sources.errors import Forbidden, NotFound, OutOfTime, SourceError, Unreachable
from app.sources.listing import list_board
from app.sources.parsing.postings import normalize
from app.sources.parsing.robots_txt import MAX_SITEMAPS
from app.sources.types import Response
from tests.sources.adapters.examples import drain
from tests.sources.conftest import make_client
from tests.support.web import Reply

BOARD = "careers.acme.com"
SITE = f"https://{BOARD}"
ANY = st.characters(codec=None)
"""Characters including lone surrogates, which JSON may contain."""

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap(*paths: str) -> bytes:
    """Return a sitemap of these URLs. A path stands for a URL on the site's own host."""
    rows = "".join(f"<url><loc>{path if '://' in path else SITE + path}</loc></url>" for path in paths)
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="{NAMESPACE}">{rows}</urlset>'.encode()


def index(*paths: str) -> bytes:
    rows = "".join(f"<sitemap><loc>{SITE}{path}</loc></sitemap>" for path in paths)
    return f'<sitemapindex xmlns="{NAMESPACE}">{rows}</sitemapindex>'.encode()


def posting(title: str, **more: object) -> dict[str, object]:
    return {"@context": "https://schema.org", "@type": "JobPosting", "title": title, **more}


def page(*postings: object) -> Reply:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(each)}</script>' for each in postings)
    return Reply(f"<!doctype html><html><head>{scripts}</head><body>Jobs</body></html>".encode())


def serve_site(web, robots: str = "", maps: dict[str, bytes] | None = None, **jobs: object) -> None:
    """Serve robots.txt, a page for each job, and ``maps`` or else one sitemap of the job pages."""
    web.replies["/robots.txt"] = Reply(robots.encode())
    for path, body in (maps or {"/sitemap.xml": sitemap(*(f"/jobs/{name}" for name in jobs))}).items():
        web.replies[path] = Reply(body)
    for name, job in jobs.items():
        web.replies[f"/jobs/{name}"] = job if isinstance(job, Reply) else page(job)


@pytest.fixture
def list_site(http_client):
    return lambda seconds=20.0: list_board(http_client, "website", BOARD, deadline=Deadline.of(seconds))


def titles(listing) -> list[str]:
    return [each.title for each in listing.postings]


def set_limits(monkeypatch, **bounds: int) -> None:
    monkeypatch.setitem(SOURCES, "website", replace(SOURCES["website"], **bounds))


def test_website_listing_reads_robots_sitemaps_and_pages(web, list_site):
    about = {"hiringOrganization": {"name": "Acme"}, "url": "/en/baker", "datePosted": "2026-05-04"}
    maps = {"/maps/all.xml": index("/maps/1.xml", "/maps/2.xml.gz")}
    maps["/maps/1.xml"] = sitemap("/jobs/baker", "/blog/jobs-to-be-done/x")
    maps["/maps/2.xml.gz"] = gzip.compress(sitemap("/de/stellenangebote/koch?id=7", "/jobs/baker"))
    serve_site(web, f"User-agent: *\nSitemap: {SITE}/maps/all.xml", maps)
    web.replies["/jobs/baker"] = page(posting("Baker", **about))
    web.replies["/de/stellenangebote/koch?id=7"] = page(posting("Koch"))
    web.replies["/blog/jobs-to-be-done/x"] = page()
    listing = list_site()
    assert titles(listing) == ["Baker", "Koch"]
    assert [each.url for each in listing.postings] == [f"{SITE}/en/baker", f"{SITE}/de/stellenangebote/koch?id=7"]
    assert [each.external_id for each in listing.postings][0] == f"{SITE}/jobs/baker"
    assert listing.is_complete and (listing.unparsed, listing.skipped_pages, listing.board_name) == (0, 1, "Acme")
    assert web.paths() == [
        *("/maps/all.xml", "/maps/1.xml", "/maps/2.xml.gz"),
        *("/jobs/baker", "/blog/jobs-to-be-done/x", "/de/stellenangebote/koch"),
    ]


@pytest.mark.parametrize(
    "robots",
    [Reply(status=404), Reply(status=410), Reply(b"<html>"), Reply(b"Sitemap: //[")],
    ids=["404", "410", "web page", "invalid sitemap URL"],
)
def test_website_sitemap_defaults_to_sitemap_xml(web, list_site, robots):
    serve_site(web, a=posting("A"))
    web.replies["/robots.txt"] = robots
    assert titles(list_site()) == ["A"] and list_site().is_complete


@pytest.mark.parametrize("size", [600_000, 33_000_000])
def test_website_robots_txt_is_read_up_to_its_limit(web, list_site, size):
    lines = f"Sitemap: {SITE}/all.xml\n".ljust(size, "#")
    serve_site(web, f"{lines}\nSitemap: {SITE}/beyond.xml", {"/all.xml": sitemap("/jobs/a")}, a=posting("A"))
    assert titles(list_site()) == ["A"] and web.paths() == ["/all.xml", "/jobs/a"]


def test_website_sitemaps_of_robots_txt_beyond_the_limit_are_lost(web, list_site):
    lines = [f"Sitemap: {SITE}/all.xml", *(f"Sitemap: http://[{number}" for number in range(MAX_SITEMAPS))]
    serve_site(web, "\n".join(lines), {"/all.xml": sitemap("/jobs/a")}, a=posting("A"))
    listing = list_site()
    assert titles(listing) == ["A"] and (listing.is_complete, listing.unparsed) == (False, 1)


def test_website_without_a_sitemap_is_not_found(web, list_site):
    with pytest.raises(NotFound, match="careers.acme.com has no sitemap"):
        list_site()
    web.replies["/sitemap.xml"] = Reply(b"<!DOCTYPE html><html><title>Acme</title>")
    with pytest.raises(NotFound, match="web page where the sitemap"):
        list_site()


@pytest.mark.parametrize(
    "paths",
    [[], ["/about", "/team"], ["https://elsewhere.example/jobs/1"], ["/x/../jobs/1"]],
    ids=["empty", "other pages", "another host", "dots in the path"],
)
def test_website_sitemap_without_job_pages_is_not_found(web, list_site, paths):
    serve_site(web, maps={"/sitemap.xml": sitemap(*paths)})
    with pytest.raises(NotFound, match="No readable job postings"):
        list_site()
    assert set(web.paths()) <= {"/sitemap.xml", "/about", "/team"}


def test_website_pages_on_other_hosts_are_counted_but_not_requested(web, list_site):
    serve_site(web, "Sitemap: https://cdn.example/x.xml\n" + f"Sitemap: {SITE}/sitemap.xml", a=posting("A"))
    listing = list_site()
    assert titles(listing) == ["A"] and (listing.is_complete, listing.unparsed) == (False, 1)
    pages = ("/jobs/a", "https://www.acme.com/jobs/b", "https://www.acme.com/about")
    serve_site(web, maps={"/sitemap.xml": sitemap(*pages)})
    listing = list_site()
    assert titles(listing) == ["A"] and (listing.is_complete, listing.unparsed) == (False, 1)


def test_website_shared_identifier_is_not_used_as_an_id(web, list_site):
    serve_site(web, a=posting("A", identifier={"value": "ACME-1"}), b=posting("B", identifier={"value": "ACME-1"}))
    assert titles(list_site()) == ["A", "B"]


def test_website_front_page_is_not_used_as_a_posting_link(web, list_site):
    serve_site(web, a=posting("A", url=f"{SITE}/"))
    assert [each.url for each in list_site().postings] == [f"{SITE}/jobs/a"]


def test_website_pages_without_any_posting_are_not_found(web, list_site):
    serve_site(web, a=page(), b=Reply(status=404))
    with pytest.raises(NotFound, match="pages read: 2"):
        list_site()


def test_website_with_only_expired_postings_is_an_empty_board(web, list_site):
    serve_site(web, a=posting("A", validThrough="2020-01-01"), b=page())
    listing = list_site()
    assert (listing.postings, listing.is_complete, listing.unparsed, listing.skipped_pages) == ((), True, 0, 1)


@pytest.mark.parametrize("status", [404, 410])
def test_website_missing_page_is_skipped(web, list_site, status):
    serve_site(web, a=posting("A"), b=Reply(status=status))
    listing = list_site()
    assert titles(listing) == ["A"] and listing.is_complete and listing.skipped_pages == 1


@pytest.mark.parametrize(
    "fault",
    [
        Reply(status=403),
        Reply(status=500),
        Reply(status=301, headers={"Location": "https://elsewhere.example/"}),
        Reply(b"<html><title>Just a moment...</title>"),
        Reply(b'<script type="application/ld+json">{"@type": "JobPosting", </script>'),
    ],
    ids=["forbidden", "server error", "redirect to another host", "challenge page", "broken JSON"],
)
def test_website_unreadable_page_is_counted_and_others_are_listed(web, list_site, fault):
    serve_site(web, a=posting("A"), b=fault, c=posting("C"))
    listing = list_site()
    assert titles(listing) == ["A", "C"] and not listing.is_complete and listing.unparsed == 1


@pytest.mark.parametrize(
    "fault",
    [Reply(status=404), Reply(status=503), Reply(b"<urlset><url>"), Reply(b"<html>")],
    ids=["404", "503", "truncated", "web page"],
)
def test_website_unreadable_sitemap_makes_the_listing_incomplete(web, list_site, fault):
    serve_site(web, maps={"/sitemap.xml": index("/1.xml", "/2.xml"), "/2.xml": sitemap("/jobs/a")})
    web.replies |= {"/1.xml": fault, "/jobs/a": page(posting("A"))}
    listing = list_site()
    assert titles(listing) == ["A"] and not listing.is_complete and listing.unparsed == 1


def test_website_without_readable_pages_raises_the_first_error(web, list_site):
    serve_site(web, maps={"/sitemap.xml": index("/1.xml", "/2.xml"), "/1.xml": sitemap("/jobs/a", "/jobs/b")})
    web.replies |= {"/2.xml": Reply(status=403), "/jobs/a": page(), "/jobs/b": Reply(status=500)}
    with pytest.raises(Forbidden, match="403"):
        list_site()


def test_website_pages_beyond_the_limit_are_counted(web, list_site, monkeypatch):
    set_limits(monkeypatch, max_requests=3)
    serve_site(web, **{name: posting(name) for name in "abcdef"})
    listing = list_site()
    assert titles(listing) == ["a", "b", "c"] and not listing.is_complete and listing.unparsed == 3
    assert len(web.paths()) == 4


def test_website_sitemaps_beyond_the_limit_are_counted(web, list_site, monkeypatch):
    set_limits(monkeypatch, max_indexes=3)
    maps = {"/sitemap.xml": index(*(f"/{number}.xml" for number in range(9)), "/sitemap.xml")}
    serve_site(web, maps={**maps, "/0.xml": sitemap("/jobs/a"), "/1.xml": index("/0.xml", "/sitemap.xml")})
    web.replies["/jobs/a"] = page(posting("A"))
    listing = list_site()
    assert titles(listing) == ["A"] and listing.unparsed == 7
    assert web.paths() == ["/sitemap.xml", "/0.xml", "/1.xml", "/jobs/a"]


def test_website_deadline_keeps_postings_and_counts_the_rest(web, list_site):
    slow = {name: replace(page(posting(name)), delay=2) for name in "bcdefgh"}
    serve_site(web, a=posting("a"), **slow)
    listing = list_site(5.0)
    assert "a" in titles(listing) and not listing.is_complete
    assert listing.unparsed == 8 - len(listing.postings) > 0


def test_website_deadline_before_the_first_posting_is_an_error(web, list_site):
    serve_site(web, a=replace(page(posting("A")), delay=5))
    with pytest.raises((OutOfTime, Unreachable)):
        list_site(0.5)


def test_website_listing_stops_at_429(web, list_site):
    busy = Reply(status=429, headers={"Retry-After": "600"})
    serve_site(web, a=posting("A"), b=busy, c=posting("C"), d=posting("D"))
    listing = list_site()
    assert titles(listing) == ["A"] and listing.unparsed == 3
    assert "/jobs/c" not in web.paths()


def test_website_page_disallowed_by_robots_txt_is_not_requested(web, monkeypatch):
    set_limits(monkeypatch, pace_seconds=0.0)
    serve_site(web, "User-agent: *\nDisallow: /jobs/b", a=posting("A"), b=posting("B"))
    listing = list_board(make_client(web), "website", BOARD)
    assert titles(listing) == ["A"] and listing.unparsed == 1 and "/jobs/b" not in web.paths()


def test_website_disallowed_by_robots_txt_is_forbidden(web, monkeypatch):
    set_limits(monkeypatch, pace_seconds=0.0)
    serve_site(web, "User-agent: *\nDisallow: /", a=posting("A"))
    with pytest.raises(Forbidden, match="robots.txt"):
        list_board(make_client(web), "website", BOARD)
    assert web.paths() == []


def test_website_robots_txt_may_always_be_read(web, monkeypatch):
    set_limits(monkeypatch, pace_seconds=0.0)
    serve_site(web, "User-agent: *\nDisallow: /\nAllow: /jobs/\nAllow: /sitemap.xml", a=posting("A"))
    assert list_board(make_client(web), "website", BOARD).is_complete


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("../x/1", "/x/1"),
        ("https://apply.example/1", "https://apply.example/1"),
        ("javascript:alert(1)", "/jobs/a"),
        ("http://[", "/jobs/a"),
        ("mailto:jobs@acme.com", "/jobs/a"),
        (7, "/jobs/a"),
    ],
)
def test_website_link_is_resolved_or_falls_back_to_the_page(web, list_site, url, expected):
    serve_site(web, a=posting("A", url=url))
    [found] = list_site().postings
    assert found.url == (expected if "://" in expected else SITE + expected)


def test_website_postings_sharing_the_front_page_link_stay_apart(web, list_site):
    serve_site(web, a=posting("A", url=SITE), b=posting("B", url=SITE))
    assert titles(list_site()) == ["A", "B"]


def test_website_page_may_have_several_postings(web, list_site):
    both = [posting("A", url="/jobs/a"), posting("B", identifier={"value": 7}), posting("C"), posting("D")]
    serve_site(web, all=both, a=posting("A"))
    listing = list_site()
    assert titles(listing) == ["A", "B", "C", "D"] and listing.is_complete
    assert [each.external_id for each in listing.postings][:2] == [f"{SITE}/jobs/a", "7"]


def test_website_page_with_a_captcha_form_is_read(web, list_site):
    whole = page(posting("A"))
    serve_site(web, a=replace(whole, body=whole.body.replace(b"<head>", b"<head><script src='recaptcha.js'></script>")))
    assert list_site().is_complete


def test_website_page_is_decoded_by_its_content_type(web, list_site):
    reply = page(posting("X"))
    body = reply.body.replace(b'"X"', "\"Kôch für Ó\"".encode("latin-1"))
    serve_site(web, a=replace(reply, body=body, headers={"Content-Type": "text/html; charset=ISO-8859-1"}))
    assert titles(list_site()) == ["Kôch für Ó"]


def test_website_page_in_an_encoding_that_is_slow_is_decoded_otherwise(web, list_site):
    body = page(posting("Caf- \\\\ Bar")).body.replace(b"Caf-", "Café".encode("cp1252"))
    serve_site(web, a=Reply(body, headers={"Content-Type": "text/html; charset=unicode_escape"}))
    assert titles(list_site()) == ["Café \\\\ Bar"]


def test_website_postings_with_one_id_count_against_the_memory(web, list_site, monkeypatch):
    monkeypatch.setattr("app.sources.listing_builder.MAX_KEPT_BYTES", 20_000)
    jobs = [posting(f"{number} {'x' * 200}", identifier={"value": 7}, url=f"/jobs/{number}") for number in range(200)]
    serve_site(web, all=page(*jobs))
    listing = list_site()
    assert 10 < listing.count < 60 and not listing.is_complete


@pytest.mark.parametrize("name", ["acme", "127.0.0.1", "localhost", "acme.com:443", "acme.com/x", "a@acme.com", "::1"])
def test_website_board_must_be_a_full_host_name(name):
    with pytest.raises(ValueError):
        SOURCES["website"].board(name)


def test_website_board_is_a_host_and_no_url_is_recognised():
    source = SOURCES["website"]
    assert source.valid_board(" Careers.ACME.com ") == BOARD
    assert source.board_page(BOARD) == f"{SITE}/"
    assert source.match_url(urlsplit(f"{SITE}/jobs/1")) is source.match_url(urlsplit(source.example)) is None


@given(body=st.binary(max_size=80) | st.text(max_size=40).map(lambda text: sitemap(html.escape(text), "/jobs/1")))
def test_website_parse_survives_fuzzed_bodies(body):
    source, board = SOURCES["website"], SOURCES["website"].board(BOARD)
    robots = drain(source.parse(Response(200, {}, b"Sitemap: " + body, SITE), board))[1]
    [request_of_jobs] = drain(source.parse(Response(200, {}, b"", SITE), board))[1].follow_up
    for request in robots.follow_up:
        assert request.path.isascii() and " " not in request.path
        for read in (request.read, request_of_jobs.read):
            try:
                _, found = drain(read(Response(200, {}, body, SITE), board))
                assert all(each.path.startswith("/") for each in found.follow_up)
            except SourceError:
                pass


@given(members=st.dictionaries(st.sampled_from(["title", "url", "identifier", "hiringOrganization"]), st.text(ANY)))
@example(members={"title": "\ud800"})
@example(members={"identifier": "\ud800", "url": "\ud800"})
def test_website_parse_survives_fuzzed_postings(members):
    board = SOURCES["website"].board(BOARD)
    [index] = drain(SOURCES["website"].parse(Response(200, {}, b"", SITE), board))[1].follow_up
    [job_page] = drain(index.read(Response(200, {}, sitemap("/jobs/1"), SITE), board))[1].follow_up
    for postings in ([posting("A"), posting("B") | members], [posting("A") | members]):
        body = page(postings).body
        try:
            for raw in drain(job_page.read(Response(200, {}, body, f"{SITE}/jobs/1"), board))[0]:
                normalize(raw)
        except SourceError:
            pass


@pytest.mark.parametrize(
    "page",
    [b"<html><title>Pardon Our Interruption</title>", b"<!doctype html><html><script src='/_Incapsula_Resource?x'>"],
)
def test_website_challenge_page_is_forbidden(web, http_client, page):
    sitemap = b"<urlset><url><loc>https://careers.acme.com/jobs/a</loc></url></urlset>"
    web.replies["/sitemap.xml"] = Reply(sitemap)
    web.replies["/jobs/a"] = Reply(page)
    with pytest.raises(Forbidden):
        list_board(http_client, "website", "careers.acme.com")
