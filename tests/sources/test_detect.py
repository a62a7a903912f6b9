"""Detection of a board from a pasted URL, and its check."""

from urllib.parse import urlsplit

import pytest

from app.sources.detect import NotRecognised, SeveralBoards, detect_board, detect_url
from app.sources.errors import AddressRefused, NotFound, Throttled, Unreachable
from tests.sources.conftest import make_client_with_robots_txt
from tests.support.web import Reply

JOB = {"absolute_url": "https://acme.example/", "company_name": "Acme"}
JOBS = {"jobs": [{**JOB, "id": number, "title": f"Job {number}"} for number in range(5)]}


@pytest.mark.parametrize(
    "pasted",
    [
        "https://boards.greenhouse.io/acme",
        "  boards.greenhouse.io/acme/jobs/1  ",
        "http://job-boards.greenhouse.io/acme",
        "https://boards.greenhouse.io/embed/job_app?for=acme&token=1",
    ],
)
def test_detect_url_of_a_board_lists_it_without_fetching_the_page(web, http_client, pasted):
    web.json("/v1/boards/acme/jobs", JOBS)
    web.json("/v1/boards/acme", {"name": "Acme Rockets"})
    found = detect_url(http_client, pasted)
    assert (found.source.key, str(found.board), found.name, found.postings) == ("greenhouse", "acme", "Acme Rockets", 5)
    assert found.titles == ["Job 0", "Job 1", "Job 2"]
    assert found.url == "https://job-boards.greenhouse.io/acme"
    assert found.is_complete and found.note is None


def test_detect_name_falls_back_to_the_postings_or_none(web, http_client):
    web.json("/v1/boards/acme/jobs", JOBS)
    assert detect_url(http_client, "https://boards.greenhouse.io/acme").name == "Acme"
    web.json("/v0/postings/acme", [])
    assert detect_url(http_client, "https://jobs.lever.co/acme").name is None


def test_detect_missing_board_is_not_found(web, http_client):
    with pytest.raises(NotFound, match="Lever's board nobody"):
        detect_url(http_client, "https://jobs.lever.co/nobody")
    with pytest.raises(NotFound):
        detect_board(http_client, "greenhouse", "../../etc")


def test_detect_board_tries_the_other_regions(web, http_client):
    web.replies["/v0/postings/acme"] = [Reply(status=404), Reply(b"[]")]
    assert str(detect_board(http_client, "lever", "acme").board) == "eu:acme"


def test_detect_empty_board_has_a_note_if_it_may_not_exist(web, http_client):
    web.json("/posting-api/job-board/acme", {"jobs": []})
    assert "Make sure" in detect_board(http_client, "ashby", "acme").note
    web.json("/v1/boards/acme/jobs", {"jobs": []})
    assert detect_board(http_client, "greenhouse", "acme").note is None


def test_detect_reports_a_throttled_source(web, http_client):
    web.replies["/v1/boards/acme/jobs"] = Reply(status=429, headers={"Retry-After": "900"})
    with pytest.raises(Throttled):
        detect_url(http_client, "https://boards.greenhouse.io/acme")


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "   ",
        "acme inc",
        "http://acme.example/careers",
        "ftp://acme.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://[",
        "https://acme.example:99999/",
        "https://acme.example:8443/",
        "https://user:secret@acme.example/",
        "https://user@acme.example/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1%25eth0]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0/",
        "https://boards.greenhouse.io@127.0.0.1/acme",
    ],
)
def test_ssrf_detect_url_refuses_unsafe_urls(http_client, pasted):
    with pytest.raises(AddressRefused):
        detect_url(http_client, pasted)


def test_ssrf_operator_base_url_does_not_exempt_user_urls(web, http_client):
    """The operator's base URLs point to loopback here; a user's URL to loopback is still refused."""
    for pasted in (web.url, web.url.replace("http:", "https:"), f"{web.url}/v1/boards/acme/jobs"):
        with pytest.raises(AddressRefused):
            detect_url(http_client, pasted)
    assert web.requests == []


def test_ssrf_redirect_to_a_private_address_is_refused(web, detect_page):
    web.replies["/careers"] = Reply(status=302, headers={"Location": "https://169.254.169.254/latest"})
    with pytest.raises(AddressRefused):
        detect_page("/careers")


def test_detect_follows_a_redirect_to_a_board(web, detect_page):
    web.json("/v1/boards/acme/jobs", JOBS)
    web.replies["/careers"] = Reply(status=301, headers={"Location": "https://boards.greenhouse.io/acme"})
    assert str(detect_page("/careers").board) == "acme"


def test_detect_finds_an_embedded_board(web, detect_page):
    web.json("/v1/boards/acme/jobs", JOBS)
    web.replies["/careers"] = Reply(b"<script src='https://boards.greenhouse.io/embed/job_board/js?for=acme'></script>")
    assert str(detect_page("/careers").board) == "acme"


def test_detect_offers_several_boards_of_a_page(web, detect_page):
    web.replies["/careers"] = Reply(
        b"<a href='https://jobs.lever.co/acme/1'>1</a><a href='https://jobs.lever.co/acme/2'>2</a>"
        b"<a href='https://jobs.ashbyhq.com/acme'>3</a>"
    )
    with pytest.raises(SeveralBoards) as raised:
        detect_page("/careers")
    candidates = [(each.source.key, str(each.board)) for each in raised.value.candidates]
    assert candidates == [("lever", "acme"), ("ashby", "acme")]


@pytest.mark.parametrize("page", [b"", b"<p>We are not hiring", b"\xff\x00<a href='http://['>", b"<a href=>" * 1000])
def test_detect_page_without_a_board_is_not_recognised(web, detect_page, page):
    web.replies["/careers"] = Reply(page)
    with pytest.raises(NotRecognised, match="Greenhouse, Lever, Ashby"):
        detect_page("/careers")


def test_detect_missing_page_is_not_found(detect_page):
    with pytest.raises(NotFound):
        detect_page("/careers")


def test_detect_redirect_loop_is_unreachable(web, detect_page):
    web.replies["/careers"] = Reply(status=302, headers={"Location": "/careers"})
    with pytest.raises(Unreachable):
        detect_page("/careers")


@pytest.fixture
def detect_page(web):
    """A function that detects the board of a page on the test's server, which is neither public nor https."""
    http_client = make_client_with_robots_txt(web, allowed_private_hosts=frozenset([urlsplit(web.url).netloc]))
    return lambda path: detect_url(http_client, web.url + path)


def test_detect_visits_a_url_with_non_ascii_letters(web, detect_page):
    web.replies["/karriere/übersicht"] = Reply(b"<a href='https://jobs.lever.co/nobody'>")
    with pytest.raises(NotFound, match="nobody"):
        detect_page("/karriere/übersicht")
