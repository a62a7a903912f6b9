"""From what a person pastes to a board that was looked at."""

from urllib.parse import urlsplit

import pytest

from app.sources.detect import NotRecognised, SeveralBoards, detect_board, detect_url
from app.sources.errors import AddressRefused, NotFound, Throttled, Unreachable
from tests.sources.conftest import knowing
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
def test_the_address_of_a_board_needs_no_visit(web, host, pasted):
    web.json("/v1/boards/acme/jobs", JOBS)
    web.json("/v1/boards/acme", {"name": "Acme Rockets"})
    found = detect_url(host, pasted)
    assert (found.source.key, str(found.board), found.name, found.postings) == ("greenhouse", "acme", "Acme Rockets", 5)
    assert found.titles == ["Job 0", "Job 1", "Job 2"]
    assert found.url == "https://job-boards.greenhouse.io/acme"
    assert found.is_complete and found.note is None


def test_a_name_that_the_board_does_not_tell_is_taken_from_its_postings_or_is_none(web, host):
    web.json("/v1/boards/acme/jobs", JOBS)
    assert detect_url(host, "https://boards.greenhouse.io/acme").name == "Acme"
    web.json("/v0/postings/acme", [])
    assert detect_url(host, "https://jobs.lever.co/acme").name is None


def test_a_board_that_is_not_there_is_told(web, host):
    with pytest.raises(NotFound, match="Lever's board nobody"):
        detect_url(host, "https://jobs.lever.co/nobody")
    with pytest.raises(NotFound):
        detect_board(host, "greenhouse", "../../etc")


def test_a_board_named_by_hand_is_found_on_the_other_host_of_its_system(web, host):
    web.replies["/v0/postings/acme"] = [Reply(status=404), Reply(b"[]")]
    assert str(detect_board(host, "lever", "acme").board) == "eu:acme"


def test_an_empty_board_that_may_not_exist_is_told(web, host):
    web.json("/posting-api/job-board/acme", {"jobs": []})
    assert "Make sure" in detect_board(host, "ashby", "acme").note
    web.json("/v1/boards/acme/jobs", {"jobs": []})
    assert detect_board(host, "greenhouse", "acme").note is None


def test_a_system_that_is_busy_is_told(web, host):
    web.replies["/v1/boards/acme/jobs"] = Reply(status=429, headers={"Retry-After": "900"})
    with pytest.raises(Throttled):
        detect_url(host, "https://boards.greenhouse.io/acme")


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
def test_an_address_that_is_not_to_be_visited_is_refused(host, pasted):
    with pytest.raises(AddressRefused):
        detect_url(host, pasted)


def test_the_settings_of_the_operator_open_no_door_for_users(web, host):
    """The systems are on loopback here; a user's address still does not lead there."""
    for pasted in (web.url, web.url.replace("http:", "https:"), f"{web.url}/v1/boards/acme/jobs"):
        with pytest.raises(AddressRefused):
            detect_url(host, pasted)
    assert web.asked == []


def test_a_redirect_into_the_neighbourhood_is_refused(web, visiting):
    web.replies["/careers"] = Reply(status=302, headers={"Location": "https://169.254.169.254/latest"})
    with pytest.raises(AddressRefused):
        visiting("/careers")


def test_a_page_that_leads_to_a_board_is_followed(web, visiting):
    web.json("/v1/boards/acme/jobs", JOBS)
    web.replies["/careers"] = Reply(status=301, headers={"Location": "https://boards.greenhouse.io/acme"})
    assert str(visiting("/careers").board) == "acme"


def test_a_page_that_embeds_a_board_is_read(web, visiting):
    web.json("/v1/boards/acme/jobs", JOBS)
    web.replies["/careers"] = Reply(b"<script src='https://boards.greenhouse.io/embed/job_board/js?for=acme'></script>")
    assert str(visiting("/careers").board) == "acme"


def test_a_page_with_several_boards_leaves_the_choice_to_the_person(web, visiting):
    web.replies["/careers"] = Reply(
        b"<a href='https://jobs.lever.co/acme/1'>1</a><a href='https://jobs.lever.co/acme/2'>2</a>"
        b"<a href='https://jobs.ashbyhq.com/acme'>3</a>"
    )
    with pytest.raises(SeveralBoards) as told:
        visiting("/careers")
    candidates = [(source.key, str(board)) for source, board in told.value.candidates]
    assert candidates == [("lever", "acme"), ("ashby", "acme")]


@pytest.mark.parametrize("page", [b"", b"<p>We are not hiring", b"\xff\x00<a href='http://['>", b"<a href=>" * 1000])
def test_a_page_without_a_board_is_told(web, visiting, page):
    web.replies["/careers"] = Reply(page)
    with pytest.raises(NotRecognised, match="Greenhouse, Lever, Ashby"):
        visiting("/careers")


def test_a_page_that_is_not_there_is_told(visiting):
    with pytest.raises(NotFound):
        visiting("/careers")


def test_a_page_that_leads_in_circles_is_told(web, visiting):
    web.replies["/careers"] = Reply(status=302, headers={"Location": "/careers"})
    with pytest.raises(Unreachable):
        visiting("/careers")


@pytest.fixture
def visiting(web):
    """Detect a page of the test's own server, which is neither public nor https."""
    host = knowing(web, own=frozenset([urlsplit(web.url).netloc]))
    return lambda path: detect_url(host, web.url + path)


def test_an_address_in_letters_of_any_language_is_visited(web, visiting):
    web.replies["/karriere/übersicht"] = Reply(b"<a href='https://jobs.lever.co/nobody'>")
    with pytest.raises(NotFound, match="nobody"):
        visiting("/karriere/übersicht")
