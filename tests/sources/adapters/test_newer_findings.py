"""What careful readers found in the newer systems: each of these was otherwise once."""

from urllib.parse import urlsplit

import pytest

from app.sources.adapters.registry import match_url
from app.sources.detect import detect_url
from app.sources.errors import AddressRefused, Forbidden, SourceError
from app.sources.http.client import HttpClient
from app.sources.listing import list_board
from app.sources.parsing.jobposting import job_postings_on, raw_posting_of
from app.sources.parsing.json_record import Record
from tests.sources.conftest import Hurried, knowing
from tests.support.web import Reply


def drafted(**members: object):
    return raw_posting_of(Record({"title": "A", **members}, "JobPosting"), "https://acme.example/jobs/a")


@pytest.mark.parametrize("board", ["127.0.0.1.nip.example", "localhost.localdomain"])
def test_an_operators_address_opens_no_door_for_companies_own_domains(monkeypatch, board):
    """The operator's mirror may be anywhere; a user's board, which stands in its place, may not."""
    asked = []

    def get(url, headers, bounds):
        asked.append((url.hostname, bounds.allow_private))
        raise AddressRefused("not asked")

    monkeypatch.setattr("app.sources.http.transport.send", get)
    host = HttpClient(Hurried(), {"teamtailor": "https://{token}.mirror.example"}, None)
    for name in (board, "acme"):
        with pytest.raises(SourceError):
            list_board(host, "teamtailor", name)
    assert asked == [(board, False), ("acme.mirror.example", True)]


@pytest.mark.parametrize(
    "page",
    [b"<html><title>Pardon Our Interruption</title>", b"<!doctype html><html><script src='/_Incapsula_Resource?x'>"],
)
def test_a_page_that_wants_to_see_a_person_is_not_one_without_a_posting(web, host, page):
    sitemap = b"<urlset><url><loc>https://careers.acme.com/jobs/a</loc></url></urlset>"
    web.replies["/sitemap.xml"] = Reply(sitemap)
    web.replies["/jobs/a"] = Reply(page)
    with pytest.raises(Forbidden):
        list_board(host, "website", "careers.acme.com")


def test_places_that_only_their_names_tell_apart_are_told_apart():
    address = {"addressLocality": "Sunnyvale", "addressRegion": "CA"}
    several = [{"address": address, "name": name} for name in ("Austin, TX", "Remote, US")]
    assert drafted(jobLocation=several).locations == ("Austin, TX", "Remote, US")
    assert drafted(jobLocation=several[:1]).locations == ("Sunnyvale, CA",)


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00", "1900-01-01"])
def test_the_first_day_of_a_programs_calendar_is_no_end(end):
    assert drafted(validThrough=end) is not None


def test_a_script_that_cannot_be_read_does_not_cost_the_posting_of_another():
    page = (
        '<script type="application/ld+json">{"@type": "JobPosting", </script>'
        '<script type="application/ld+json">{"@type": "JobPosting", "title": "A"}</script>'
    )
    assert [each["title"] for each in job_postings_on(page)] == ["A"]


def test_a_short_link_that_leads_on_within_its_host_is_recognised(web, monkeypatch):
    """Where it led to is looked at as what was pasted is."""
    host = knowing(web, allowed_private_hosts=frozenset([urlsplit(web.url).netloc]))
    web.json("/api/v1/widget/accounts/acme", {"name": "Acme", "jobs": []})
    web.replies["/j/AB12"] = Reply(status=302, headers={"Location": "/acme/j/AB12/"})
    web.replies["/acme/j/AB12/"] = Reply(b"<html>Loading</html>")
    monkeypatch.setattr(
        "app.sources.detect.match_url",
        lambda url: match_url(url._replace(netloc="apply.workable.com")),
    )
    assert str(detect_url(host, f"{web.url}/j/AB12").board) == "acme"
