"""The revisions of a listing: batches, ids that occur twice, what an interrupted attempt has left."""

import pytest

from app.extensions import db
from app.services.boards import past, revisions
from app.services.boards.content import content_hash
from app.services.boards.revisions import MAX_BATCH_LENGTH, MAX_BATCH_POSTINGS
from app.services.boards.storing import ListingStore
from tests.support.board_rows import (
    COMPLETE,
    claim_board,
    event_rows,
    kinds,
    listing_row,
    make_board,
    make_posting,
    posting_rows,
    revision_count,
)
from tests.support.factories import open_transaction, sql
from tests.support.statements import watch_statements
from tests.support.stored_listings import TIMES, close, counts, judge_complete, store

HALF = "x" * (MAX_BATCH_LENGTH // 2)


def batches_of(board_id, postings):
    """Store a listing and return the number of batches."""
    sent = []
    with watch_statements(db.engine, before=lambda query: sent.append(query)):
        store(board_id, *postings)
    return len([query for query in sent if "INSERT INTO posting_revisions" in str(query)])


@pytest.mark.parametrize(
    "postings, batches",
    [
        ([], 0),
        ([make_posting(n) for n in range(MAX_BATCH_POSTINGS)], 1),
        ([make_posting(n) for n in range(MAX_BATCH_POSTINGS + 1)], 2),
        ([make_posting(n, description=HALF) for n in range(3)], 3),
        ([make_posting(0, description=HALF * 3), make_posting(1)], 2),
    ],
    ids=["none", "full", "more", "long", "one too long"],
)
def test_batches_have_limits(app, postings, batches):
    board_id = make_board()
    assert batches_of(board_id, postings) == batches
    assert len(posting_rows(board_id)) == len(postings)
    assert batches_of(board_id, postings) == 0


def test_all_fields_are_stored(app):
    posting = make_posting("ä/1", title="Gärtner 🌳", description='"\\quoted\\"\n', requirements=None, workplace=None)
    claim = claim_board(make_board())
    stored = ListingStore(claim, 1, TIMES, judge_complete)
    stored.add([posting])
    stored.end(COMPLETE)
    [found] = sql("SELECT * FROM posting_revisions")
    assert [getattr(found, name) for name in revisions.COLUMNS if name != "locations"] == [
        getattr(posting, name) for name in revisions.COLUMNS if name != "locations"
    ]
    assert (tuple(found.locations), found.changed_fields) == (posting.locations, [])
    assert (found.content_hash, found.listing_id) == (content_hash(posting), claim.listing_id)


def test_id_twice_in_one_batch_is_one_posting(app):
    board_id = make_board()
    listing = store(
        board_id, make_posting(1, title="First"), make_posting(1, title="Second", description=None), make_posting(2)
    )
    assert counts(listing) == (2, 2, 0, 0, 0, 0, 0)
    found = posting_rows(board_id)["1"]
    assert (found.title, found.description) == ("Second", "Water the trees.")
    assert revision_count() == 2
    assert counts(store(board_id, make_posting(1, title="Second"), make_posting(2))) == (2, 0, 0, 2, 0, 0, 0)


def test_id_again_after_its_batch_replaces_and_keeps_texts(app):
    board_id = make_board()
    others = [make_posting(number) for number in range(2, MAX_BATCH_POSTINGS + 2)]
    again = make_posting(1, title="Second", description=None), make_posting(1, title="Third", requirements=None)
    listing = store(board_id, make_posting(1), *others, *again, make_posting(2, description=None))
    assert counts(listing)[:2] == (len(others) + 1, len(others) + 1)
    found = posting_rows(board_id)["1"]
    assert (found.title, found.description, found.requirements) == ("Third", "Water the trees.", "A green thumb.")
    assert revision_count() == len(others) + 1
    assert store(board_id, make_posting(1, title="Third"), *others).unchanged_postings == len(others) + 1


def test_unchanged_id_again_with_other_content_is_a_change(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    listing = store(board_id, make_posting(1), make_posting(1, title="Second", description=None))
    assert counts(listing) == (1, 0, 1, 0, 0, 0, 0)
    assert [event.fields for event in event_rows(listing.listing_id)] == [["title"]]


def test_changed_id_again_with_its_old_content_is_unchanged(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    others = [make_posting(number) for number in range(2, MAX_BATCH_POSTINGS + 2)]
    listing = store(board_id, make_posting(1, title="Second"), *others, make_posting(1))
    assert counts(listing)[2:4] == (0, 1)
    assert posting_rows(board_id)["1"].title == "Gardener"
    assert revision_count() == len(others) + 1


def test_closed_id_again_with_other_content_reopens_changed(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    close(board_id)
    others = [make_posting(number) for number in range(2, MAX_BATCH_POSTINGS + 2)]
    again = make_posting(1, description=None), make_posting(1, title="Second", description=None)
    listing = store(board_id, make_posting(1), *others, *again)
    assert (listing.reopened_postings, listing.changed_postings) == (1, 1)
    assert kinds(listing.listing_id)[:2] == [("1", "reopened"), ("1", "changed")]


def test_interrupted_attempt_leaves_no_revision(app):
    board_id = make_board()
    store(board_id, make_posting("old"))
    claim = claim_board(board_id)
    ListingStore(claim, 1, TIMES, judge_complete).add(make_posting(n) for n in range(2 * MAX_BATCH_POSTINGS + 1))
    assert revision_count() == 2 * MAX_BATCH_POSTINGS + 1
    again = claim_board(board_id, attempt=2)
    assert again.listing_id == claim.listing_id
    stored = ListingStore(again, 1, TIMES, judge_complete)
    assert revision_count() == 1
    stored.add([make_posting("old"), make_posting(1)])
    assert counts(listing_row(stored.end(COMPLETE).listing_id)) == (2, 1, 0, 1, 0, 0, 0)
    assert revision_count() == 2


def test_open_postings_are_read_by_their_index(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    for statement in (past.OPEN, past.OPEN_IDS):
        with db.engine.connect() as connection:
            connection.exec_driver_sql("SET enable_seqscan = off")
            query = str(statement.compile(db.engine)).replace("%(board)s::BIGINT", "$1").replace("%(board)s", "$1")
            connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
            connection.exec_driver_sql(f"PREPARE open_postings(bigint) AS {query}")
            plan = connection.exec_driver_sql("EXPLAIN EXECUTE open_postings(1)").scalars().all()
            connection.invalidate()
        assert any("ix_postings_open" in line for line in plan)


@pytest.mark.parametrize("lock", ["FOR NO KEY UPDATE", None])
def test_company_is_added_while_its_board_is_stored(app, user_id, lock):
    """Neither waits: the lock that storing takes lets rows be inserted that refer to the board."""
    board_id = make_board("greenhouse", "acme")
    add = f"INSERT INTO companies (user_id, source, board, name) VALUES ({user_id}, 'greenhouse', 'acme', 'Acme')"
    if lock:
        with open_transaction(f"SELECT 1 FROM boards WHERE board_id = {board_id} {lock}"):
            sql(add)
    else:
        with open_transaction(add):
            store(board_id, make_posting(1))
    assert len(sql("SELECT 1 FROM companies")) + len(posting_rows(board_id)) == 1
