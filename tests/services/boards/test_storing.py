"""The storing of listings: what each writes, and what it leaves alone."""

from dataclasses import replace

import pytest

from app.extensions import db
from app.services.boards.content import HASH_VERSION
from app.services.boards.errors import LeaseLost
from app.services.boards.revisions import MAX_BATCH_POSTINGS
from app.services.boards.storing import ListingStore
from tests.support.board_rows import (
    COMPLETE,
    board_row,
    claim_board,
    event_rows,
    kinds,
    make_board,
    make_posting,
    posting_rows,
    revision_count,
)
from tests.support.factories import sql
from tests.support.statements import watch_statements
from tests.support.stored_listings import TIMES, close, counts, judge_complete, store


def test_first_listing_adds_all_postings_as_baseline(app):
    board_id = make_board()
    listing = store(board_id, make_posting(1), make_posting(2))
    assert counts(listing) == (2, 2, 0, 0, 0, 0, 0)
    assert (listing.state, listing.is_baseline, listing.code) == ("complete", True, "ok")
    found = posting_rows(board_id)
    assert [(row.is_baseline, row.first_seen_at, row.closed_at) for row in found.values()] == [
        (True, listing.began_at, None)
    ] * 2
    assert kinds(listing.listing_id) == [("1", "new"), ("2", "new")]
    board = board_row(board_id)
    assert (board.lease_id, board.attempt, board.schema_version, board.etag) == (None, 0, 1, '"tag"')
    assert board.listing_id == board.content_listing_id == board.complete_listing_id == listing.listing_id
    assert board.listed_at == board.complete_at == listing.ended_at
    assert board.content_began_at == board.validated_at == listing.began_at


def test_unchanged_listing_writes_no_posting_revision_or_event(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2))
    before, revisions = posting_rows(board_id), revision_count()
    written = [row.xmin for row in sql("SELECT xmin FROM postings ORDER BY posting_id")]
    listing = store(board_id, make_posting(1), make_posting(2, url="https://example.org/elsewhere", department=None))
    assert counts(listing) == (2, 0, 0, 2, 0, 0, 0)
    assert not listing.is_baseline
    assert (posting_rows(board_id), revision_count()) == (before, revisions)
    assert [row.xmin for row in sql("SELECT xmin FROM postings ORDER BY posting_id")] == written
    assert kinds(listing.listing_id) == []
    assert board_row(board_id).content_listing_id == listing.listing_id


def test_unchanged_listing_sends_no_text(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2))
    statements: list[str] = []
    with watch_statements(db.engine, after=statements.append):
        store(board_id, make_posting(1), make_posting(2))
    assert statements
    assert [each for each in statements if "INSERT INTO posting_revisions" in each] == []


CHANGES = {
    "title": {"title": "Head gardener"},
    "locations": {"locations": ("Berlin",)},
    "workplace": {"workplace": None},
    "employment_type": {"employment_type": "Part time"},
    "description": {"description": None},
    "requirements": {"requirements": "Two green thumbs."},
}


@pytest.mark.parametrize("field", CHANGES)
def test_changed_posting_gets_a_revision_and_an_event_of_its_fields(app, field):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2))
    before = posting_rows(board_id)["1"]
    listing = store(board_id, make_posting(1, **CHANGES[field]), make_posting(2))
    assert counts(listing) == (2, 0, 1, 1, 0, 0, 0)
    [event] = event_rows(listing.listing_id)
    found = posting_rows(board_id)["1"]
    assert (event.kind, event.fields, event.revision_id) == ("changed", [field], found.revision_id)
    assert found.revision_id != before.revision_id and found.changed_fields == [field]
    assert (found.posting_id, found.first_seen_at) == (before.posting_id, before.first_seen_at)
    assert getattr(sql("SELECT * FROM posting_revisions ORDER BY 1 DESC LIMIT 1")[0], field) == (
        list(CHANGES[field][field]) if field == "locations" else CHANGES[field][field]
    )


def test_change_of_two_fields_is_one_event(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    listing = store(board_id, make_posting(1, title="Head gardener", description="Water the flowers."))
    assert [event.fields for event in event_rows(listing.listing_id)] == [["title", "description"]]


def test_places_in_another_order_are_no_change(app):
    board_id = make_board()
    store(board_id, make_posting(1, locations=("Berlin", "Remote")))
    listing = store(board_id, make_posting(1, title="Head gardener", locations=("Remote", "Berlin")))
    assert [event.fields for event in event_rows(listing.listing_id)] == [["title"]]


def test_text_that_could_not_be_had_before_is_filled_silently(app):
    board_id = make_board()
    store(board_id, make_posting(1, description=None, requirements=None))
    listing = store(board_id, make_posting(1))
    assert counts(listing) == (1, 0, 0, 1, 0, 0, 0)
    found = posting_rows(board_id)["1"]
    assert (found.description, found.changed_fields) == ("Water the trees.", [])
    assert kinds(listing.listing_id) == []
    assert store(board_id, make_posting(1)).unchanged_postings == 1
    assert revision_count() == 2


def test_new_parser_restamps_silently(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2), schema=1)
    listing = store(board_id, make_posting(1, title="Gardener (all genders)"), make_posting(2), schema=2)
    assert counts(listing) == (2, 0, 0, 2, 0, 0, 0)
    assert kinds(listing.listing_id) == []
    assert posting_rows(board_id)["1"].title == "Gardener (all genders)"
    assert board_row(board_id).schema_version == 2


def test_other_version_of_the_hash_restamps_silently(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    sql("UPDATE postings SET hash_version = 0")
    listing = store(board_id, make_posting(1))
    assert counts(listing) == (1, 0, 0, 1, 0, 0, 0)
    assert kinds(listing.listing_id) == []
    assert posting_rows(board_id)["1"].hash_version == HASH_VERSION


def test_older_parser_stores_nothing(app):
    board_id = make_board(schema_version=2)
    claim = claim_board(board_id)
    with pytest.raises(LeaseLost):
        ListingStore(claim, 1, TIMES, judge_complete)
    stored = ListingStore(claim, 2, TIMES, judge_complete)
    sql("UPDATE boards SET schema_version = 3")
    with pytest.raises(LeaseLost):
        stored.add([make_posting(number) for number in range(MAX_BATCH_POSTINGS + 1)])
    with pytest.raises(LeaseLost):
        stored.end(COMPLETE)
    assert posting_rows(board_id) == {} and revision_count() == 0


def test_missing_posting_closes_after_a_second_witness(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2), ago=8000)
    first = store(board_id, make_posting(1), ago=4000)
    assert counts(first) == (1, 0, 0, 1, 0, 1, 0)
    found = posting_rows(board_id)["2"]
    assert (found.missing_since, found.missing_listing_id, found.closed_at) == (first.began_at, first.listing_id, None)
    assert kinds(first.listing_id) == [("2", "missing")]
    early = store(board_id, make_posting(1), ago=500)
    assert counts(early) == (1, 0, 0, 1, 0, 0, 0)
    assert posting_rows(board_id)["2"] == found
    second = store(board_id, make_posting(1))
    assert counts(second) == (1, 0, 0, 1, 0, 0, 1)
    closed = posting_rows(board_id)["2"]
    assert (closed.closed_at, closed.closed_reason) == (second.ended_at, "unseen")
    assert closed.missing_since == first.began_at
    assert (closed.missing_listing_id, closed.closed_listing_id) == (first.listing_id, second.listing_id)
    [event] = event_rows(second.listing_id)
    assert (event.kind, event.reason, event.witness_listing_id) == ("closed", "unseen", first.listing_id)


def test_witnesses_are_counted_from_begin_to_begin(app):
    board_id = make_board()
    store(board_id, make_posting(1), ago=7300)
    store(board_id, ago=3601)
    assert store(board_id, ago=1.5).closed_postings == 0
    assert store(board_id, ago=0.5).closed_postings == 1


def test_posting_found_again_is_no_longer_missing(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2), make_posting(3))
    store(board_id)
    listing = store(board_id, make_posting(1), make_posting(2, title="Other"), seen=["3", "unknown"])
    assert counts(listing) == (2, 0, 1, 1, 0, 0, 0)
    assert {row.missing_since for row in posting_rows(board_id).values()} == {None}
    assert kinds(listing.listing_id) == [("2", "changed")]


def test_record_that_could_not_be_parsed_is_seen_but_not_found(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2))
    listing = store(board_id, make_posting(1), seen=["2", "3"], listing=replace(COMPLETE, unparsed=2))
    assert counts(listing) == (1, 0, 0, 1, 0, 0, 0)
    assert listing.unparsed == 2
    assert set(posting_rows(board_id)) == {"1", "2"}
    assert kinds(listing.listing_id) == []


def test_closed_posting_that_comes_back_reopens_with_its_content(app):
    board_id = make_board()
    first = store(board_id, make_posting(1))
    before = posting_rows(board_id)["1"]
    close(board_id)
    listing = store(board_id, make_posting(1))
    assert counts(listing) == (1, 0, 0, 1, 1, 0, 0)
    assert posting_rows(board_id)["1"] == before
    assert before.first_seen_at == first.began_at
    assert kinds(listing.listing_id) == [("1", "reopened")]
    assert revision_count() == 1


def test_closed_posting_that_comes_back_changed_has_both_events(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    close(board_id)
    listing = store(board_id, make_posting(1, title="Head gardener"))
    assert counts(listing) == (1, 0, 1, 0, 1, 0, 0)
    assert [(event.kind, event.fields) for event in event_rows(listing.listing_id)] == [
        ("reopened", []),
        ("changed", ["title"]),
    ]
    assert posting_rows(board_id)["1"].closed_at is None


def test_unparsed_record_of_a_closed_posting_leaves_it_closed(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    close(board_id)
    assert counts(store(board_id, seen=["1"])) == (0, 0, 0, 0, 0, 0, 0)
    assert posting_rows(board_id)["1"].closed_at is not None


def test_other_boards_are_left_alone(app):
    mine, other = make_board(board="acme"), make_board(board="other")
    store(other, make_posting(1))
    before = posting_rows(other), board_row(other)
    store(mine, make_posting(1, title="Mine"), make_posting(2))
    close(mine)
    assert (posting_rows(other), board_row(other)) == before


def test_missing_posting_of_which_one_record_is_unreadable_is_renewed(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2), ago=60)
    store(board_id, make_posting(2), ago=30)
    listing = store(board_id, make_posting(1, title="Head gardener"), make_posting(2), seen=["1"])
    assert counts(listing) == (2, 0, 1, 1, 0, 0, 0)
    found = posting_rows(board_id)["1"]
    assert (found.title, found.missing_since) == ("Head gardener", None)
    assert kinds(listing.listing_id) == [("1", "changed")]
