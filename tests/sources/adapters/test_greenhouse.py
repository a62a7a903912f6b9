"""Peculiarities of Greenhouse that the contract does not cover."""

import pytest

from app.sources.listing import list_board
from tests.sources.adapters.examples import GREENHOUSE, parse_record


def test_greenhouse_listing_is_one_request_with_descriptions(web, http_client):
    web.json("/v1/boards/acme/jobs?content=true", GREENHOUSE)
    assert len(list_board(http_client, "greenhouse", "acme").postings) == 3
    assert web.paths() == ["/v1/boards/acme/jobs"]


@pytest.mark.parametrize("mode", ["Remote", "remote", "Hybrid", "On-site", "In-Office"])
def test_greenhouse_location_that_is_a_workplace_falls_back_to_offices(mode):
    posting = parse_record("greenhouse", GREENHOUSE["jobs"][0], location={"name": mode})
    assert posting.locations == ("Turin, Piedmont, Italy",)
    assert posting.workplace == {"r": "remote", "h": "hybrid"}.get(mode[0].lower(), "on_site")


def test_greenhouse_location_that_is_a_workplace_stays_without_offices():
    posting = parse_record("greenhouse", GREENHOUSE["jobs"][0], location={"name": "Remote"}, offices=[])
    assert posting.locations == ("Remote",)


def test_greenhouse_updated_at_is_not_used_as_posted_at():
    posting = parse_record("greenhouse", GREENHOUSE["jobs"][0], first_published=None)
    assert posting.posted_at is None and posting.updated_at is not None


def test_greenhouse_employment_type_comes_from_custom_metadata():
    fields = [{"name": "Region", "value": "EMEA"}, {"name": "Time Type", "value": "Full time"}, {"name": None}, None]
    assert parse_record("greenhouse", GREENHOUSE["jobs"][0], metadata=fields).employment_type == "Full time"
    assert parse_record("greenhouse", GREENHOUSE["jobs"][0], metadata="none").employment_type is None


def test_greenhouse_prospect_post_is_a_posting():
    assert parse_record("greenhouse", GREENHOUSE["jobs"][0], internal_job_id=None).external_id == "4012345007"


def test_greenhouse_listing_below_meta_total_is_incomplete(web, http_client):
    web.json("/v1/boards/acme/jobs", {**GREENHOUSE, "meta": {"total": 37}})
    listing = list_board(http_client, "greenhouse", "acme")
    assert len(listing.postings) == 3 and not listing.is_complete
