"""The class of a listing, and what it makes of the postings of a board."""

from dataclasses import replace

import pytest

from app.models import CloseReason, Outcome, ReadingState
from app.services.boards.times import BoardTimes
from tests.support.judged_board import FEW, MANY, TEN, JudgedBoard, at, board_with


def test_complete_listing_ages_and_is_validated():
    verdict = board_with().wait(1).read(TEN)
    assert (verdict.state, verdict.code, verdict.sentence) == (ReadingState.COMPLETE, Outcome.OK, None)
    assert verdict.ages and verdict.keeps_validators and verdict.look_again_at is None and verdict.closing is None


def test_posting_is_missing_first_and_closed_an_hour_later():
    board = board_with()
    verdict = board.wait(5).read(TEN - {3})
    assert board.missing == {3} and verdict.look_again_at == at(6)
    board.wait(0.99).read(TEN - {3})
    assert board.missing == {3}
    verdict = board.wait(0.01).read(TEN - {3})
    assert board.closed == {3} and verdict.look_again_at is None
    assert (board.lives[3].closed, board.lives[3].first_witness) == (CloseReason.UNSEEN, 2)


def test_second_look_is_due_for_the_posting_that_is_missing_longest():
    board = board_with()
    board.wait(5).read(TEN - {3})
    assert board.wait(0.5).read(TEN - {3, 4}).look_again_at == at(6)
    assert board.wait(0.5).read(TEN - {3, 4}).look_again_at == at(6.5)
    assert board.closed == {3}


def test_posting_that_is_back_is_no_longer_missing():
    board = board_with()
    board.wait(5).read(TEN - {3})
    verdict = board.wait(0.5).read(TEN, whole=False)
    assert not board.missing and verdict.look_again_at is None
    board.wait(0.5).read(TEN - {3})
    assert board.missing == {3}


def test_unchanged_board_is_the_second_witness():
    board = board_with()
    board.wait(5).read(TEN - {3})
    verdict = board.wait(0.5).answer_unchanged()
    assert verdict.look_again_at == at(6) and board.missing == {3}
    verdict = board.wait(0.5).answer_unchanged()
    assert (verdict.state, verdict.code) == (ReadingState.UNCHANGED, Outcome.OK)
    assert verdict.keeps_validators and board.closed == {3} and verdict.look_again_at is None


def test_unchanged_empty_board_is_called_empty():
    board = JudgedBoard()
    verdict = board.read(())
    assert (verdict.state, verdict.code, verdict.sentence) == (ReadingState.COMPLETE, Outcome.EMPTY, None)
    assert board.wait(1).answer_unchanged().code is Outcome.EMPTY


@pytest.mark.parametrize(
    ("found", "unread", "sentence"),
    [
        (TEN - {3}, (), "The board was read in part: 9 postings. It may have more."),
        (TEN - {3}, (20, 21), "The board was read in part: 9 postings. 2 more could not be read."),
        ({1}, (), "The board was read in part: 1 posting. It may have more."),
        ((), (20, 21), "None of its 2 records could be read."),
    ],
)
def test_partial_listing_ages_nothing_and_says_how_much_is_unread(found, unread, sentence):
    board = board_with()
    board.wait(5).read(TEN - {3})
    verdict = board.wait(6).read(found, whole=False, unread=unread)
    assert (verdict.state, verdict.code, verdict.sentence) == (ReadingState.PARTIAL, Outcome.PARTIAL, sentence)
    assert not verdict.ages and not verdict.keeps_validators and board.missing == {3}
    assert verdict.look_again_at == at(12), "the look that was due proved nothing"


def test_records_without_content_count_as_seen():
    board = board_with()
    verdict = board.wait(5).read(TEN - {3, 4}, unread={3})
    assert (verdict.state, verdict.code) == (ReadingState.COMPLETE, Outcome.PARTIAL)
    assert verdict.sentence == "1 of the board's 9 records could not be read." and board.missing == {4}


def test_board_of_which_no_record_can_be_read_is_not_empty():
    board = board_with()
    verdict = board.wait(5).read((), unread=TEN - {3})
    assert (verdict.state, verdict.code) == (ReadingState.COMPLETE, Outcome.PARTIAL)
    assert verdict.sentence == "None of its 9 records could be read." and board.missing == {3}


class TestEmpty:
    SENTENCE = (
        "The board lists nothing now. "
        "Its 10 postings still count as open, until it was empty three times over a day."
    )

    def test_third_empty_listing_after_a_day_closes_all(self):
        board = board_with()
        verdict = board.wait(5).read(())
        assert (verdict.state, verdict.code, verdict.sentence) == (ReadingState.EMPTY, Outcome.EMPTY, self.SENTENCE)
        assert not verdict.keeps_validators and verdict.look_again_at == at(5 + 12)
        verdict = board.wait(12).read(())
        assert verdict.state is ReadingState.EMPTY and verdict.look_again_at == at(5 + 24)
        verdict = board.wait(12).read(())
        assert (verdict.state, verdict.code) == (ReadingState.COMPLETE, Outcome.EMPTY)
        assert verdict.sentence == "The board was empty three times over a day. Its 10 postings count as closed."
        assert board.closed == TEN and verdict.look_again_at is None and verdict.keeps_validators
        assert {(life.closed, life.first_witness) for life in board.lives.values()} == {(CloseReason.BOARD_EMPTY, 2)}

    def test_third_within_a_day_closes_nothing(self):
        board = board_with()
        for hours in (5, 1, 1, 1, 20.99):
            assert board.wait(hours).read(()).state is ReadingState.EMPTY
        assert board.open == TEN
        board.wait(0.01).read(())
        assert board.closed == TEN

    def test_second_after_a_day_closes_nothing(self):
        board = board_with()
        board.wait(5).read(())
        verdict = board.wait(30).read(())
        assert verdict.state is ReadingState.EMPTY and verdict.look_again_at == at(36)

    @pytest.mark.parametrize(
        "read",
        [
            lambda board: board.read(TEN),
            lambda board: board.read({1}, whole=False),
            lambda board: board.read((), whole=False, unread={1}),
            lambda board: board.read({1}),
        ],
        ids=["complete", "partial", "unreadable", "held"],
    )
    def test_row_ends_with_a_listing_that_has_postings(self, read):
        board = board_with()
        for _ in range(2):
            board.wait(12).read(())
        read(board.wait(6))
        board.wait(6).read(())
        assert board.evidence.empty_count == 1 and board.open == TEN

    def test_row_goes_on_over_failures_and_lost_pages(self):
        board = board_with()
        board.wait(5).read(())
        board.wait(1).fail()
        board.wait(1).read((), whole=False)
        board.wait(10).read(())
        verdict = board.wait(1).fail()
        assert board.evidence.empty_count == 2 and verdict.look_again_at == at(29)


class TestHeld:
    SENTENCE = (
        "The board shrank from 120 to 40 postings. "
        "The other 80 count as gone only if a second reading finds the same."
    )

    def test_shrink_is_held_until_an_alike_listing_an_hour_later(self):
        board = board_with(MANY)
        verdict = board.wait(5).read(FEW)
        assert (verdict.state, verdict.code, verdict.sentence) == (ReadingState.HELD, Outcome.HELD, self.SENTENCE)
        assert not verdict.ages and not verdict.keeps_validators and verdict.look_again_at == at(6)
        assert verdict.lacking == MANY - FEW and not board.missing
        verdict = board.wait(0.99).read(FEW)
        assert verdict.state is ReadingState.HELD and verdict.look_again_at == at(6)
        verdict = board.wait(0.01).read(FEW - {0})
        assert (verdict.state, verdict.code, verdict.ages) == (ReadingState.COMPLETE, Outcome.OK, True)
        assert board.closed == MANY - FEW and board.missing == {0} and verdict.look_again_at == at(7)
        assert {board.lives[each].first_witness for each in board.closed} == {2}

    def test_new_postings_do_not_hide_a_shrink(self):
        verdict = board_with(MANY).wait(5).read(FEW | set(range(200, 300)))
        assert verdict.state is ReadingState.HELD
        assert verdict.sentence.startswith("Only 40 of the board's 120 postings are left. The other 80 ")

    @pytest.mark.parametrize(
        ("number", "left", "state"),
        [(9, 0, "complete"), (10, 4, "held"), (10, 5, "complete"), (11, 5, "held"), (12, 6, "complete")],
    )
    def test_shrink_is_more_than_half_of_ten_or_more(self, number, left, state):
        verdict = board_with(range(number)).wait(5).read({*range(left), 99})
        assert verdict.state == state

    def test_missing_postings_count_as_open(self):
        board = board_with()
        board.wait(5).read(TEN - {0, 1, 2})
        assert board.wait(0.5).read(TEN - {0, 1, 2, 3, 4, 5}).state is ReadingState.HELD
        assert board.missing == {0, 1, 2}

    def test_hold_closes_no_posting_that_was_missing_before(self):
        board = board_with()
        board.wait(5).read(TEN - {0, 1, 2})
        verdict = board.wait(2).read({9})
        assert verdict.state is ReadingState.HELD and board.missing == {0, 1, 2} and not board.closed
        board.wait(2).read({9})
        assert board.closed == TEN - {9}
        assert [board.lives[each].first_witness for each in (0, 5)] == [2, 3]

    def test_unlike_listing_is_the_new_witness(self):
        board = board_with(MANY)
        board.wait(5).read(range(40))
        verdict = board.wait(2).read(range(80, 120))
        assert verdict.state is ReadingState.HELD and verdict.look_again_at == at(8) and not board.closed
        board.wait(1).read(range(80, 120))
        assert board.closed == set(range(80))

    @pytest.mark.parametrize(("back", "state"), [(8, "complete"), (9, "held")])
    def test_alike_is_nine_tenths_in_common(self, back, state):
        board = board_with(MANY)
        board.wait(5).read(FEW)
        assert board.wait(1).read(range(40 + back)).state == state

    def test_posting_that_was_seen_again_begins_a_new_row(self):
        board = board_with(MANY)
        board.wait(5).read(FEW)
        verdict = board.wait(0.5).read(FEW | {50})
        assert verdict.look_again_at == at(6.5)
        assert board.wait(0.5).read(FEW).state is ReadingState.HELD
        board.wait(0.5).read(FEW)
        assert board.closed == MANY - FEW - {50} and board.missing == {50}

    def test_larger_shrink_is_no_confirmation_and_the_new_witness(self):
        board = board_with(MANY)
        board.wait(5).read(range(50))
        assert board.wait(0.5).read(range(10)).look_again_at == at(6.5)

    def test_partial_listing_ends_the_hold_only_if_a_posting_is_back(self):
        board = board_with(MANY)
        board.wait(5).read(FEW)
        assert board.wait(0.5).read(FEW, whole=False).look_again_at == at(6)
        assert board.wait(0.1).read(FEW | {50}, whole=False).look_again_at is None
        assert board.wait(2).read(FEW).state is ReadingState.HELD

    def test_complete_listing_ends_the_hold(self):
        board = board_with(MANY)
        board.wait(5).read(FEW)
        assert board.wait(2).read(MANY - {3}).state is ReadingState.COMPLETE
        assert board.wait(2).read(FEW).state is ReadingState.HELD

    def test_release_lets_one_complete_listing_through(self):
        board = board_with(MANY)
        board.wait(5).read(FEW)
        board.evidence = replace(board.evidence, is_shrink_allowed=True)
        board.wait(0.1).read(MANY, whole=False)
        verdict = board.wait(0.1).read(FEW)
        assert verdict.state is ReadingState.COMPLETE and board.missing == MANY - FEW
        assert not board.evidence.is_shrink_allowed
        board.wait(1).read(FEW)
        assert board.closed == MANY - FEW, "those were let through already"

    def test_release_is_used_up_by_a_listing_that_needs_none(self):
        board = board_with(MANY)
        board.evidence = replace(board.evidence, is_shrink_allowed=True)
        board.wait(1).read(MANY)
        assert board.wait(1).read(FEW).state is ReadingState.HELD

    def test_release_outlasts_an_unchanged_listing(self):
        board = board_with(MANY)
        board.evidence = replace(board.evidence, is_shrink_allowed=True)
        board.wait(1).answer_unchanged()
        assert board.wait(1).read(FEW).state is ReadingState.COMPLETE


class TestOnHold:
    def held_board(self, content=TEN):
        board = board_with()
        board.wait(5).read(content)
        board.is_on_hold = True
        return board

    def test_whole_listing_that_lacks_postings_is_held(self):
        board = self.held_board()
        verdict = board.wait(5).read(TEN - {3})
        assert (verdict.state, verdict.code) == (ReadingState.HELD, Outcome.HELD)
        assert verdict.sentence == (
            "The board lacks 1 of its 10 postings. They still count as open, because the operator holds it."
        )
        assert verdict.look_again_at is None and not board.missing and not verdict.keeps_validators
        assert verdict.lacking == {3}

    def test_whole_listing_that_lacks_none_is_complete(self):
        verdict = self.held_board().wait(5).read(TEN)
        assert verdict.state is ReadingState.COMPLETE and not verdict.ages and verdict.keeps_validators

    def test_unchanged_listing_ages_nothing(self):
        board = self.held_board(TEN - {3})
        verdict = board.wait(5).answer_unchanged()
        assert verdict.state is ReadingState.UNCHANGED and board.missing == {3} and verdict.look_again_at is None

    def test_listings_under_the_hold_are_no_witnesses(self):
        board = self.held_board()
        board.read(())
        verdict = board.wait(20).read(())
        assert verdict.state is ReadingState.EMPTY and verdict.look_again_at is None
        assert verdict.sentence == (
            "The board lists nothing now. Its 10 postings still count as open, because the operator holds it."
        )
        for _ in range(3):
            verdict = board.wait(20).fail(Outcome.NOT_FOUND)
        assert not verdict.is_gone and verdict.look_again_at is None
        board.read({9})
        board.wait(20).read({9})
        board.is_on_hold = False
        assert board.evidence.empty_count == board.evidence.gone_count == 0 and board.evidence.held is None
        assert board.open == TEN and board.wait(1).read({9}).state is ReadingState.HELD


def test_second_looks_keep_their_distance():
    board = board_with()
    board.second_look_at = at(4)
    assert board.wait(5).read(TEN - {3}).look_again_at == at(10)


def test_second_look_of_long_ago_brings_none_forward():
    board = board_with()
    board.second_look_at = at(4)
    assert board.wait(20).read(TEN - {3}).look_again_at == at(21)


def test_times_come_from_the_settings():
    board = JudgedBoard(times=BoardTimes(witness=36))
    board.read(TEN)
    board.wait(5).read(TEN - {3})
    board.wait(0.01).read(TEN - {3})
    assert board.closed == {3}
