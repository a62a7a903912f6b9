"""Peculiarities of Greenhouse that the contract does not cover."""

import pytest

from app.sources.listing import list_board
from tests.sources.adapters.examples import GREENHOUSE, read


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
