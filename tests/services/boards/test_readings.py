"""The ends of readings: legal moves, verdicts carried out, failures, and lost leases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from app.errors import DatabaseUnavailable
from app.extensions import db
from app.models import CloseReason, Outcome, ReadingState
from app.services.boards import claims, holds
from app.services.boards.errors import LeaseLost
from app.services.boards.revisions import MAX_BATCH_POSTINGS
from app.services.boards.storing import ListingStore, store_failure
from app.services.boards.truth import Closing, Evidence, Witness
from app.services.previews.answers import answer_listing
from app.sources.types import Validators
from tests.support.board_rows import (
    COMPLETE,
    NOT_MODIFIED,
    board_row,
    claim_board,
    event_rows,
    kinds,
    listing_row,
    make_board,
    make_posting,
    posting_rows,
    revision_count,
)
from tests.support.factories import sql
from tests.support.statements import watch_statements
from tests.support.stored_listings import TIMES, close, counts, judge_as, judge_complete, store
from tests.support.wants import VERSIONS, make_waiting_preview

judge_failed = judge_as(ReadingState.FAILED, code=Outcome.UNREACHABLE, sentence="No answer.")


def fail(claim, code=Outcome.UNREACHABLE, retry_at=None, is_missing=False, judge=judge_failed):
    """Store a failure and return the listing's row."""
    stored = store_failure(claim, code, "No answer.", retry_at, is_missing=is_missing, times=TIMES, judge=judge)
    return listing_row(stored.listing_id)


def end_as(target, claim):
    """End the reading of a claim in this state."""
    if target == ReadingState.FAILED:
        return fail(claim)
    stored = ListingStore(claim, 1, TIMES, judge_as(target))
    stored.add([make_posting(target.value, title="Late")])
    return listing_row(stored.end(COMPLETE).listing_id)


@pytest.mark.parametrize("target", [ReadingState(state) for state in ReadingState.ENDED])
@pytest.mark.parametrize("source", list(ReadingState))
def test_move_succeeds_from_exactly_the_legal_states(app, source, target):
    board_id = make_board()
    claim = claim_board(board_id)
    if source != ReadingState.READING:
        end_as(source, claim)
        sql("UPDATE boards SET lease_id = :lease, lease_until = clock_now()", lease=claim.lease_id)
    before = listing_row(claim.listing_id), board_row(board_id), posting_rows(board_id)
    if source in target.sources:
        assert end_as(target, claim).state == target
        assert listing_row(claim.listing_id).ended_at is not None
        return
    with pytest.raises(LeaseLost):
        end_as(target, claim)
    assert (listing_row(claim.listing_id), board_row(board_id), posting_rows(board_id)) == before


@pytest.mark.parametrize("target", list(ReadingState))
@pytest.mark.parametrize("source", list(ReadingState))
def test_trigger_refuses_exactly_the_illegal_moves(app, source, target):
    claim = claim_board(make_board())
    if source != ReadingState.READING:
        end_as(source, claim)
    move = "UPDATE listings SET state = :state, code = 'ok', ended_at = clock_now(), found = :found"
    found = None if target in (ReadingState.READING, ReadingState.FAILED) else 0
    if source in target.sources:
        sql(f"{move}, new_postings = 0, changed_postings = 0, unchanged_postings = 0", state=target.value, found=found)
        assert listing_row(claim.listing_id).state == target
        return
    if source == target == ReadingState.READING:
        return
    with pytest.raises(Exception, match="cannot move|has ended"):
        sql(move, state=target.value, found=found)


def test_closing_closes_the_named_postings_at_once(app):
    board_id = make_board()
    store(board_id, *map(make_posting, range(4)))
    held = store(board_id, make_posting(0), judge=judge_as(ReadingState.HELD, lacking=frozenset({2, 3, 4})))
    assert (held.state, held.lacking, held.missing_postings) == ("held", [2, 3, 4], 0)
    assert {row.missing_since for row in posting_rows(board_id).values()} == {None}
    closing = Closing(CloseReason.UNSEEN, Witness(held.listing_id, held.began_at), frozenset({1, 2, 3}))
    listing = store(board_id, make_posting(0), judge=judge_as(ReadingState.COMPLETE, ages=True, closing=closing))
    assert counts(listing) == (1, 0, 0, 1, 0, 1, 2)
    found = posting_rows(board_id)
    assert found["0"].missing_since is None and found["3"].missing_since == listing.began_at
    assert {(found[name].missing_since, found[name].missing_listing_id) for name in "12"} == {
        (held.began_at, held.listing_id)
    }
    assert kinds(listing.listing_id) == [("1", "closed"), ("2", "closed"), ("3", "missing")]
    assert {event.witness_listing_id for event in event_rows(listing.listing_id)} == {held.listing_id, None}


def test_closing_of_all_keeps_the_witness_of_what_was_missing(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2))
    missing = store(board_id, make_posting(1), ago=60)
    empty = store(board_id, judge=judge_as(ReadingState.EMPTY), ago=50)
    closing = Closing(CloseReason.BOARD_EMPTY, Witness(empty.listing_id, empty.began_at))
    listing = store(board_id, judge=judge_as(ReadingState.EMPTY, closing=closing))
    assert counts(listing) == (0, 0, 0, 0, 0, 0, 2)
    events = event_rows(listing.listing_id)
    assert {(event.external_id, event.reason, event.witness_listing_id) for event in events} == {
        ("1", "board_empty", empty.listing_id),
        ("2", "board_empty", missing.listing_id),
    }


def test_listing_that_does_not_age_leaves_lacking_postings_alone(app):
    board_id = make_board()
    store(board_id, make_posting(1))
    before = posting_rows(board_id)
    listing = store(board_id, listing=replace(COMPLETE, is_complete=False), judge=judge_as(ReadingState.PARTIAL))
    assert counts(listing) == (0, 0, 0, 0, 0, 0, 0)
    assert posting_rows(board_id) == before


def test_unchanged_board_is_a_second_witness(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2), ago=9000)
    store(board_id, make_posting(1), ago=4000)
    before, revisions = board_row(board_id), revision_count()
    judge = judge_as(ReadingState.UNCHANGED, ages=True, keeps_validators=True)
    listing = store(board_id, listing=NOT_MODIFIED, judge=judge)
    assert counts(listing) == (1, 0, 0, 1, 0, 0, 1)
    assert kinds(listing.listing_id) == [("2", "closed")]
    after = board_row(board_id)
    assert (after.etag, after.validated_at) == (before.etag, before.validated_at)
    assert after.content_listing_id == after.complete_listing_id == listing.listing_id
    assert revision_count() == revisions
    assert counts(store(board_id, listing=NOT_MODIFIED, judge=judge)) == (1, 0, 0, 1, 0, 0, 0)


def test_judge_receives_the_board_as_it_was_before(app):
    board_id = make_board(is_on_hold=True, is_shrink_allowed=True, empty_count=2, gone_count=1)
    store(board_id, *map(make_posting, range(3)))
    missing = store(board_id, make_posting(0), make_posting(1))
    held = store(board_id, make_posting(0), judge=judge_as(ReadingState.HELD, lacking=frozenset({2})))
    sql("UPDATE boards SET held_listing_id = :held, empty_listing_id = :held - 1, gone_listing_id = :held - 1,"
        " gone_last_listing_id = :held", held=held.listing_id)
    judged = []

    def judge(past, reading, times):
        judged.append((past, reading))
        return judge_complete(past, reading, times)

    claim = claim_board(board_id)
    stored = ListingStore(claim, 1, TIMES, judge)
    stored.add([make_posting(0)])
    stored.see(["9"])
    stored.end(replace(COMPLETE, unparsed=1))
    [(past, reading)] = judged
    first, last = Witness(missing.listing_id, missing.began_at), Witness(held.listing_id, held.began_at)
    assert past.evidence == Evidence(last, first, 2, first, last, 1, True)
    assert (past.open_postings, past.missing) == ({1, 2, 3}, {3: missing.began_at})
    assert (past.held_lacking, past.is_on_hold, past.complete_at) == ({2}, True, missing.ended_at)
    assert reading.witness == Witness(claim.listing_id, claim.began_at)
    assert (reading.found, reading.unparsed, reading.lacking) == (1, 1, {2, 3})
    assert (reading.is_whole, reading.is_unchanged) == (True, False)


def test_verdict_is_written_to_the_board(app):
    board_id, when = make_board(gone_at=datetime(2026, 1, 1, tzinfo=UTC)), datetime(2030, 1, 1, tzinfo=UTC)
    witnesses = [Witness(number, when) for number in range(1, 5)]
    evidence = Evidence(witnesses[0], witnesses[1], 2, witnesses[2], witnesses[3], 3, True)
    store(board_id, judge=judge_as(ReadingState.EMPTY, evidence=evidence, look_again_at=when, sentence="Nothing."))
    board = board_row(board_id)
    assert (board.held_listing_id, board.empty_listing_id, board.empty_count) == (1, 2, 2)
    assert (board.gone_listing_id, board.gone_last_listing_id, board.gone_count) == (3, 4, 3)
    assert (board.look_again_at, board.gone_at, board.complete_listing_id) == (when, None, None)


@pytest.mark.parametrize("was, verdict, stored", [(True, False, False), (False, False, True)])
def test_release_during_the_reading_is_not_lost(app, was, verdict, stored):
    board_id = make_board(is_shrink_allowed=was)

    def judge(past, _reading, _times):
        sql("UPDATE boards SET is_shrink_allowed = true")
        return judge_as(ReadingState.COMPLETE, evidence=replace(past.evidence, is_shrink_allowed=verdict))(past, 0, 0)

    store(board_id, judge=judge)
    assert board_row(board_id).is_shrink_allowed is stored


def test_complete_listing_stores_its_validators(app):
    board_id = make_board()
    first = store(board_id)
    board = board_row(board_id)
    assert (board.etag, board.last_modified, board.validated_at) == ('"tag"', None, first.began_at)
    store(board_id, listing=replace(COMPLETE, validators=Validators(None, "Monday")))
    board = board_row(board_id)
    assert (board.etag, board.last_modified) == (None, "Monday")
    store(board_id, listing=replace(COMPLETE, validators=Validators()))
    assert board_row(board_id).validated_at is None


@pytest.mark.parametrize("state", [ReadingState.UNCHANGED, ReadingState.FAILED])
@pytest.mark.parametrize("keeps", [True, False])
def test_verdict_decides_if_the_validators_of_before_are_kept(app, state, keeps):
    board_id = make_board()
    store(board_id)
    before = board_row(board_id)
    judge = judge_as(state, keeps_validators=keeps)
    if state == ReadingState.FAILED:
        fail(claim_board(board_id), judge=judge)
    else:
        store(board_id, listing=NOT_MODIFIED, judge=judge)
    after = board_row(board_id)
    assert (after.etag, after.validated_at) == ((before.etag, before.validated_at) if keeps else (None, None))


@pytest.mark.parametrize("state", [ReadingState.PARTIAL, ReadingState.HELD, ReadingState.EMPTY])
def test_listing_without_its_own_validators_removes_those_of_before(app, state):
    board_id = make_board()
    store(board_id)
    store(board_id, judge=judge_as(state))
    board = board_row(board_id)
    assert (board.etag, board.last_modified, board.validated_at) == (None, None, None)


def test_unchanged_board_has_the_unparsed_records_of_before(app):
    board_id = make_board()
    store(board_id, make_posting(1), listing=replace(COMPLETE, unparsed=3))
    assert store(board_id, listing=NOT_MODIFIED, judge=judge_as(ReadingState.UNCHANGED)).unparsed == 3


def test_failure_ends_the_reading_and_changes_no_posting(app):
    board_id = make_board(not_before=datetime(2026, 1, 1, tzinfo=UTC))
    content = store(board_id, make_posting(1))
    before = posting_rows(board_id)
    failed = fail(claim_board(board_id, attempt=2))
    assert (failed.state, failed.code, failed.sentence) == ("failed", "unreachable", "No answer.")
    assert (failed.found, failed.unchanged_postings, failed.is_baseline) == (None, None, False)
    board = board_row(board_id)
    assert (board.listing_id, board.listed_at) == (failed.listing_id, failed.ended_at)
    assert board.content_listing_id == board.complete_listing_id == content.listing_id
    assert board.failed_until == failed.ended_at + timedelta(seconds=TIMES.failed)
    assert (board.lease_id, board.attempt, board.not_before) == (None, 0, None)
    assert posting_rows(board_id) == before
    store(board_id, make_posting(1))
    assert board_row(board_id).failed_until is None


def test_failure_holds_until_the_source_accepts_requests_again(app):
    board_id = make_board()
    failed = fail(claim_board(board_id), Outcome.THROTTLED, datetime.now(UTC) + timedelta(seconds=600))
    assert 590 < (failed.retry_at - failed.ended_at).total_seconds() < 600
    assert board_row(board_id).failed_until == failed.retry_at


@pytest.mark.parametrize("seconds", [-60, 0.1])
def test_failure_answers_those_who_wait_though_the_pause_is_over(app, seconds):
    board_id = make_board()
    preview_id = make_waiting_preview(board_id)
    failed = fail(claim_board(board_id), Outcome.THROTTLED, datetime.now(UTC) + timedelta(seconds=seconds))
    assert board_row(board_id).failed_until == failed.retry_at
    assert claims.claim_wanted(VERSIONS, TIMES) is None
    assert answer_listing(failed.listing_id) == [preview_id]


def test_failure_of_a_board_that_is_gone_closes_its_postings(app):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2))
    close(board_id)
    store(board_id, make_posting(1))
    first = fail(claim_board(board_id))
    closing = Closing(CloseReason.BOARD_GONE, Witness(first.listing_id, first.began_at))
    judge = judge_as(ReadingState.FAILED, code=Outcome.NOT_FOUND, closing=closing, is_gone=True)
    gone = fail(claim_board(board_id), Outcome.NOT_FOUND, is_missing=True, judge=judge)
    assert (gone.closed_postings, kinds(gone.listing_id)) == (1, [("1", "closed")])
    assert posting_rows(board_id)["1"].closed_reason == "board_gone"
    assert board_row(board_id).gone_at == gone.ended_at
    fail(claim_board(board_id))
    assert board_row(board_id).gone_at == gone.ended_at
    assert store(board_id, make_posting(1)).reopened_postings == 1
    assert board_row(board_id).gone_at is None


def _at_begin(claim, _postings):
    yield
    ListingStore(claim, 1, TIMES, judge_complete)


def _at_batch(claim, postings):
    stored = ListingStore(claim, 1, TIMES, judge_complete)
    yield
    stored.add(postings)


def _at_end(claim, postings):
    stored = ListingStore(claim, 1, TIMES, judge_complete)
    stored.add(postings)
    yield
    stored.end(COMPLETE)


def _at_failure(claim, _postings):
    yield
    fail(claim)


@pytest.mark.parametrize("steps", [_at_begin, _at_batch, _at_end, _at_failure])
def test_lost_lease_writes_nothing(app, steps):
    board_id = make_board()
    store(board_id, make_posting("old"))
    claim, before = claim_board(board_id), posting_rows(board_id)
    work = steps(claim, [make_posting(number) for number in range(MAX_BATCH_POSTINGS + 1)])
    next(work)
    revisions, successor = revision_count(), claim_board(board_id)
    with pytest.raises(LeaseLost):
        next(work)
    assert posting_rows(board_id) == before
    assert revision_count() == revisions
    assert listing_row(claim.listing_id).state == "reading"
    assert (successor.listing_id, board_row(board_id).lease_id) == (claim.listing_id, successor.lease_id)


@pytest.mark.parametrize("error", [psycopg.OperationalError("server closed the connection unexpectedly")])
def test_end_whose_answer_is_lost_is_stored_once(app, error):
    board_id = make_board()
    stored = ListingStore(claim_board(board_id), 1, TIMES, judge_complete)
    stored.add([make_posting(1)])

    def lose_answer(statement):
        if "UPDATE boards" in statement:
            raise error

    with watch_statements(db.engine, after=lose_answer), pytest.raises(DatabaseUnavailable):
        stored.end(COMPLETE)
    with pytest.raises(LeaseLost):
        stored.end(COMPLETE)
    assert list(posting_rows(board_id)) == ["1"]


@pytest.mark.parametrize("was_on_hold", [False, True])
def test_hold_that_changes_after_the_verdict_discards_it(app, was_on_hold):
    board_id = make_board()
    store(board_id, make_posting(1), make_posting(2))
    before = posting_rows(board_id)
    if was_on_hold:
        holds.hold(board_id)
    claim = claim_board(board_id)

    def judge(*judged):
        (holds.release if was_on_hold else holds.hold)(board_id)
        return judge_complete(*judged)

    with pytest.raises(LeaseLost):
        ListingStore(claim, 1, TIMES, judge).end(COMPLETE)
    assert (posting_rows(board_id), listing_row(claim.listing_id).state) == (before, "reading")
