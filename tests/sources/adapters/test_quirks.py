"""What each system does in its own way, and the contract cannot know."""

import copy
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board, with_token
from app.sources.errors import Forbidden, NotFound
from app.sources.listing import list_board
from app.sources.parsing.postings import normalize
from app.sources.types import Response
from tests.support.web import Reply

BOARDS = Path(__file__).parent / "boards"
GREENHOUSE = json.loads((BOARDS / "greenhouse" / "jobs.json").read_text())
LEVER = json.loads((BOARDS / "lever" / "postings.json").read_text())
ASHBY = json.loads((BOARDS / "ashby" / "board.json").read_text())
RECRUITEE = json.loads((BOARDS / "recruitee" / "offers.json").read_text())


def read(key: str, record: dict, **changes):
    """One record of a system, changed, as a posting."""
    record = {**copy.deepcopy(record), **changes}
    document = [record] if key == "lever" else {"offers" if key == "recruitee" else "jobs": [record]}
    body = json.dumps(document).encode()
    [draft] = SOURCES[key].parse(Response(200, {}, body, "https://example.org"), Board("acme")).postings
    return normalize(draft)


def test_greenhouse_asks_for_texts_in_the_same_call(web, host):
    web.json("/v1/boards/acme/jobs?content=true", GREENHOUSE)
    assert len(list_board(host, "greenhouse", "acme").postings) == 3
    assert web.paths() == ["/v1/boards/acme/jobs"]


@pytest.mark.parametrize("mode", ["Remote", "remote", "Hybrid", "On-site", "In-Office"])
def test_greenhouse_a_mode_in_place_of_a_place_leaves_it_to_the_offices(mode):
    posting = read("greenhouse", GREENHOUSE["jobs"][0], location={"name": mode})
    assert posting.locations == ("Turin, Piedmont, Italy",)
    assert posting.workplace == {"r": "remote", "h": "hybrid"}.get(mode[0].lower(), "on_site")


def test_greenhouse_without_offices_a_mode_is_all_there_is():
    assert read("greenhouse", GREENHOUSE["jobs"][0], location={"name": "Remote"}, offices=[]).locations == ("Remote",)


def test_greenhouse_the_date_of_an_edit_is_not_the_date_of_posting():
    posting = read("greenhouse", GREENHOUSE["jobs"][0], first_published=None)
    assert posting.posted_at is None and posting.updated_at is not None


def test_greenhouse_the_kind_of_employment_is_a_field_of_the_companys_own():
    fields = [{"name": "Region", "value": "EMEA"}, {"name": "Time Type", "value": "Full time"}, {"name": None}, None]
    assert read("greenhouse", GREENHOUSE["jobs"][0], metadata=fields).employment_type == "Full time"
    assert read("greenhouse", GREENHOUSE["jobs"][0], metadata="none").employment_type is None


def test_greenhouse_a_prospect_post_is_a_posting_like_any_other():
    assert read("greenhouse", GREENHOUSE["jobs"][0], internal_job_id=None).external_id == "4012345007"


def test_greenhouse_fewer_jobs_than_it_counts_are_not_everything(web, host):
    web.json("/v1/boards/acme/jobs", {**GREENHOUSE, "meta": {"total": 37}})
    listing = list_board(host, "greenhouse", "acme")
    assert len(listing.postings) == 3 and not listing.is_complete


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "/jobs/1", "data:text/html,x", "https://", "https://a:b@evil.example/", None, 7, ["x"]]
    + [f"https://acme.example/{'x' * 2000}"],
)
def test_a_link_that_leads_nowhere_gives_way_to_the_boards_own(url):
    posting = read("greenhouse", GREENHOUSE["jobs"][0], absolute_url=url)
    assert posting.url == "https://job-boards.greenhouse.io/acme/jobs/4012345007"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("www.acme.example/jobs/1", "https://www.acme.example/jobs/1"),
        ("https://acme.example/a b", "https://acme.example/a%20b"),
        (" https://acme.example/über?x=ä ", "https://acme.example/%C3%BCber?x=%C3%A4"),
        ("https://acme.example/%20?a=b#c", "https://acme.example/%20?a=b#c"),
    ],
)
def test_an_untidy_link_is_tidied(written, meant):
    assert read("greenhouse", GREENHOUSE["jobs"][0], absolute_url=written).url == meant


def test_an_id_that_is_too_long_to_keep_is_counted_and_not_cut(web, host):
    document = copy.deepcopy(GREENHOUSE)
    document["jobs"][0]["id"] = "x" * 256
    web.json("/v1/boards/acme/jobs", document)
    listing = list_board(host, "greenhouse", "acme")
    assert len(listing.postings) == 2 and listing.unparsed == 1


def test_one_job_listed_for_two_places_is_one_posting_with_both(web, host):
    other = {**GREENHOUSE["jobs"][0], "location": {"name": "Bremen, Germany; Oslo"}}
    web.json("/v1/boards/acme/jobs", {"jobs": [GREENHOUSE["jobs"][0], other]})
    [posting] = list_board(host, "greenhouse", "acme").postings
    assert posting.locations == ("Turin, Italy", "Bremen, Germany", "Oslo")


def test_lever_is_asked_for_json_page_by_page(web, host):
    postings = [{**LEVER[0], "id": f"id-{n}"} for n in range(230)]
    for skip, page in ((0, postings[:100]), (100, postings[100:200]), (200, postings[200:])):
        web.json(f"/v0/postings/acme?mode=json&skip={skip}&limit=100", page)
    listing = list_board(host, "lever", "acme")
    assert [posting.external_id for posting in listing.postings] == [f"id-{n}" for n in range(230)]
    assert listing.is_complete
    # No page speaks for the others.
    assert listing.validators.etag is None


def test_lever_pages_that_begin_again_are_not_followed_for_ever(web, host):
    web.json("/v0/postings/acme", [{**LEVER[0], "id": f"id-{n}"} for n in range(100)])
    listing = list_board(host, "lever", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete
    assert len(web.paths()) == 2


def test_lever_a_page_that_fails_loses_the_listing_and_not_a_part_of_it(web, host):
    web.json("/v0/postings/acme?mode=json&skip=0&limit=100", [{**LEVER[0], "id": f"id-{n}"} for n in range(100)])
    with pytest.raises(NotFound):
        list_board(host, "lever", "acme")


@pytest.mark.parametrize("status", [200, 404])
def test_lever_says_in_two_ways_that_there_is_no_such_board(web, host, status):
    web.json("/v0/postings/acme", {"ok": False, "error": "Document not found"}, status=status)
    with pytest.raises(NotFound):
        list_board(host, "lever", "acme")


def test_lever_has_a_european_host():
    source = SOURCES["lever"]
    board = source.board("eu:acme")
    assert source.bases[board.region] == "https://api.eu.lever.co"
    assert source.board_page("eu:acme") == "https://jobs.eu.lever.co/acme"
    assert str(source.match_url(urlsplit("https://jobs.eu.lever.co/acme"))) == "eu:acme"


def test_lever_keeps_every_list_and_what_comes_after_them():
    posting = read("lever", LEVER[0])
    assert "Five years of SQL" in posting.requirements and "Spark & Flink" in posting.requirements
    assert "equal opportunity" in posting.description and "70,000" in posting.description


def test_lever_the_opening_is_not_told_twice():
    assert read("lever", LEVER[0]).description.count("Come and help us.") == 1
    parts = read("lever", LEVER[0], description="", descriptionPlain="")
    assert parts.description.startswith("Come and help us.\n\nYou move data.")


@pytest.mark.parametrize("created", [1767225600123, 1767225600123.0, "1767225600123"])
def test_lever_a_date_is_a_number_however_it_is_written(created):
    assert read("lever", LEVER[0], createdAt=created).posted_at.isoformat() == "2026-01-01T00:00:00.123000+00:00"


@pytest.mark.parametrize("created", [None, "soon", 10**30, -(10**30), 1.5, True])
def test_lever_a_date_that_is_none_is_no_fault(created):
    assert read("lever", LEVER[0], createdAt=created).posted_at is None


def test_ashby_unlisted_postings_are_for_those_who_have_their_address(web, host):
    web.json("/posting-api/job-board/acme", ASHBY)
    listing = list_board(host, "ashby", "acme")
    assert "Not for everybody" not in [posting.title for posting in listing.postings]
    assert listing.is_complete and not listing.unparsed


@pytest.mark.parametrize(
    ("word", "flag", "workplace"),
    [
        ("Hybrid", True, "hybrid"),
        ("OnSite", True, "on_site"),
        ("Remote", False, "remote"),
        (None, True, "remote"),
        (None, False, None),
        ("Moon", True, "remote"),
    ],
)
def test_ashby_the_word_is_right_and_the_flag_is_not(word, flag, workplace):
    assert read("ashby", ASHBY["jobs"][0], workplaceType=word, isRemote=flag).workplace == workplace


def test_ashby_secondary_locations_count_as_well():
    assert read("ashby", ASHBY["jobs"][0]).locations == ("Zurich", "London")


def test_ashby_has_the_time_it_needs():
    assert SOURCES["ashby"].answer_seconds >= 30


def test_ashby_a_name_with_a_blank_is_one_name_however_it_is_written():
    source = SOURCES["ashby"]
    assert source.valid_board("Acme%20Labs") == source.valid_board(" Acme Labs ") == "Acme Labs"
    assert source.first_request(source.board("Acme Labs")).path == "/posting-api/job-board/Acme%20Labs"


def test_recruitee_a_companys_name_is_part_of_its_host():
    source = SOURCES["recruitee"]
    assert source.valid_board("Acme-2") == "acme-2"
    assert source.board_page("acme") == "https://acme.recruitee.com"
    for name in ("jobs.1", "Acme Labs", "acme_labs", "@evil", "127.0.0.1"):
        with pytest.raises(ValueError):
            source.board(name)


@pytest.mark.parametrize("key", ["recruitee", "teamtailor"])
def test_a_companys_own_domain_is_a_boards_name_where_systems_have_that(key):
    source = SOURCES[key]
    board = source.board("Careers.Acme.example")
    assert str(board) == "careers.acme.example"
    assert source.page(board) == "https://careers.acme.example"
    assert with_token(source.bases[""], board) == "https://careers.acme.example"


def test_where_systems_have_not_it_is_none():
    with pytest.raises(ValueError):
        SOURCES["personio"].board("careers.acme.example")


def test_recruitee_without_the_employers_token_is_told_as_just_that(web, host):
    """Recruitee asks for one from 10 February 2027 on; before that a company may do so."""
    web.replies["/api/offers/"] = Reply(status=401)
    with pytest.raises(Forbidden, match="^Recruitee's board acme needs the employer's token"):
        list_board(host, "recruitee", "acme")


def test_recruitee_the_address_that_applications_are_mailed_to_is_not_kept(web, host):
    web.json("/api/offers/", RECRUITEE)
    assert all("mailbox_email" in offer for offer in RECRUITEE["offers"][:2])
    assert "@" not in repr(list_board(host, "recruitee", "acme"))


def test_recruitee_tells_the_company_in_every_offer(web, host):
    web.json("/api/offers/", RECRUITEE)
    assert list_board(host, "recruitee", "acme").board_name == "Acme"


@pytest.mark.parametrize("written", ["2026-05-04 09:00:00 UTC", "2026-05-04T11:00:00+02:00", "2026-05-04T09:00:00Z"])
def test_recruitee_writes_times_with_the_zone_as_a_word(written):
    posting = read("recruitee", RECRUITEE["offers"][0], published_at=written)
    assert posting.posted_at.isoformat() == "2026-05-04T09:00:00+00:00"


@pytest.mark.parametrize("written", ["2026-05-04 09:00:00 CET", "UTC", " UTC", "yesterday", None])
def test_recruitee_a_time_that_is_none_is_no_fault(written):
    assert read("recruitee", RECRUITEE["offers"][0], published_at=written).posted_at is None


@pytest.mark.parametrize(
    ("ticked", "workplace"),
    [
        (["remote"], "remote"),
        (["hybrid"], "hybrid"),
        (["on_site"], "on_site"),
        (["remote", "on_site"], None),
        (["remote", "hybrid", "on_site"], None),
        ([], None),
    ],
)
def test_recruitee_of_several_workplaces_none_is_the_truth(ticked, workplace):
    flags = {name: name in ticked for name in ("remote", "hybrid", "on_site")}
    assert read("recruitee", RECRUITEE["offers"][0], **flags).workplace == workplace


def test_recruitee_other_languages_are_not_told_in_addition():
    posting = read("recruitee", RECRUITEE["offers"][0])
    assert "Taarten" not in posting.description and "ervaring" not in posting.requirements


def test_recruitee_requirements_without_a_field_are_found_by_their_heading():
    text = "<p>Drive.</p><h3>Your profile</h3><p>A licence</p>"
    posting = read("recruitee", RECRUITEE["offers"][1], description=text)
    assert (posting.description, posting.requirements) == ("Drive.", "Your profile\n\nA licence")


def test_recruitee_a_slug_does_not_lead_elsewhere():
    link = read("recruitee", RECRUITEE["offers"][0], careers_url=None, slug="../x?y#z").url
    assert link == "https://acme.recruitee.com/o/..%2Fx%3Fy%23z"
