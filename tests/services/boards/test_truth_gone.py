"""Readings that fail, and boards that do not exist any more."""

from dataclasses import replace

import pytest

from app.models import CloseReason, Outcome, ReadingState
from tests.support.judged_board import FEW, MANY, TEN, JudgedBoard, at, board_with


class TestGone:
    def test_failure_changes_nothing(self):
        board = board_with()
        board.wait(5).read(TEN - {3})
        verdict = board.wait(0.5).fail(retry_at=at(7))
        assert (verdict.state, verdict.code, verdict.sentence) == (
            ReadingState.FAILED, Outcome.UNREACHABLE, "It failed."
        )
        assert verdict.keeps_validators and not verdict.ages and board.missing == {3}
        assert verdict.look_again_at == at(7), "not before the source accepts requests"
        assert board.fail().look_again_at == at(6)

    def test_board_read_long_ago_is_gone_after_two(self):
        board = board_with()
        verdict = board.wait(200).fail(Outcome.NOT_FOUND)
        assert not verdict.is_gone and verdict.keeps_validators and verdict.look_again_at == at(206)
        assert not board.wait(5.99).fail(Outcome.GONE).is_gone
        verdict = board.wait(0.01).fail(Outcome.NOT_FOUND)
        assert verdict.is_gone and board.closed == TEN and verdict.look_again_at is None
        assert not verdict.keeps_validators, "the next reading must show what is open"
        assert {(life.closed, life.first_witness) for life in board.lives.values()} == {(CloseReason.BOARD_GONE, 2)}
        assert board.wait(1).fail().is_gone and board.wait(9).fail(Outcome.GONE).closing is None

    def test_board_that_is_gone_has_no_other_evidence(self):
        board = board_with(MANY)
        board.wait(200).read(FEW)
        board.wait(1).read(())
        assert board.evidence.held and board.evidence.empty
        for _ in range(3):
            board.wait(200).fail(Outcome.NOT_FOUND)
        assert board.is_gone
        assert (board.evidence.held, board.evidence.empty, board.evidence.empty_count) == (None, None, 0)

    def test_source_that_accepts_requests_early_brings_no_look_forward(self):
        board = board_with()
        board.wait(5).read(TEN - {3})
        assert board.wait(0.5).fail(retry_at=at(5.6)).look_again_at == at(6)

    def test_answers_after_the_board_is_gone_are_not_counted(self):
        board = board_with().wait(200)
        board.fail(Outcome.NOT_FOUND)
        board.wait(6).fail(Outcome.NOT_FOUND)
        evidence = board.evidence
        assert board.wait(6).fail(Outcome.NOT_FOUND).evidence == evidence and evidence.gone_count == 2

    def test_hold_keeps_the_postings_of_a_board_that_is_gone(self):
        board = board_with().wait(200)
        board.fail(Outcome.NOT_FOUND)
        board.evidence = replace(board.evidence, gone_count=2)
        board.is_on_hold = True
        verdict = board.wait(6).fail(Outcome.NOT_FOUND)
        assert verdict.is_gone and verdict.closing is None and board.open == TEN

    def test_refusal_for_a_time_asks_for_no_second_look(self):
        assert board_with().fail(Outcome.THROTTLED, retry_at=at(7)).look_again_at is None

    @pytest.mark.parametrize(("hours", "number"), [(7 * 24, 3), (7 * 24 + 0.1, 2)])
    def test_board_read_within_a_week_needs_three(self, hours, number):
        board = board_with().wait(hours - 6)
        verdicts = [board.wait(6).fail(Outcome.NOT_FOUND) for _ in range(number)]
        assert [verdict.is_gone for verdict in verdicts] == [False] * (number - 1) + [True]

    def test_board_never_read_is_gone_after_two(self):
        board = JudgedBoard()
        board.fail(Outcome.NOT_FOUND)
        verdict = board.wait(6).fail(Outcome.NOT_FOUND)
        assert verdict.is_gone and verdict.closing is None

    def test_other_failures_neither_count_nor_end_the_row(self):
        board = board_with().wait(200)
        board.fail(Outcome.NOT_FOUND)
        for _ in range(3):
            verdict = board.wait(2).fail(Outcome.FORBIDDEN)
        assert verdict.look_again_at == at(207), "the look that was due proved nothing"
        assert board.fail(Outcome.NOT_FOUND).is_gone

    @pytest.mark.parametrize("content", [TEN, ()], ids=["postings", "empty"])
    def test_listing_that_does_not_fail_ends_the_row_and_the_state(self, content):
        board = board_with().wait(200)
        board.fail(Outcome.NOT_FOUND)
        board.read(content, whole=False)
        assert not board.wait(7).fail(Outcome.NOT_FOUND).is_gone
        board.wait(7).fail(Outcome.NOT_FOUND)
        assert board.is_gone
        board.read(content)
        assert not board.is_gone and board.evidence.gone_count == 0
