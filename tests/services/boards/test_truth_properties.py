"""Properties of the evidence over any sequence of listings. Each closing is proved by ``JudgedBoard`` itself."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.models import Outcome
from app.services.boards.truth import Evidence
from tests.support.judged_board import JudgedBoard

ALL = frozenset(range(24))
MAX_SECOND_LOOKS = 8

contents = st.one_of(
    st.sampled_from([ALL, frozenset(), frozenset(range(12)), frozenset(range(10)), frozenset(range(6))]),
    st.frozensets(st.sampled_from(sorted(ALL))),
    st.frozensets(st.sampled_from(sorted(ALL)), max_size=2).map(lambda gone: ALL - gone),
    st.frozensets(st.sampled_from(sorted(ALL)), max_size=2).map(lambda more: frozenset(range(5)) | more),
)
steps = st.tuples(
    st.sampled_from([0, 0.25, 0.5, 0.999, 1, 1.5, 6, 12, 24, 200]),
    st.sampled_from(["whole"] * 6 + ["conditional"] * 2 + ["part", "part", "ids", "failed", "missing", "missing"])
    | st.sampled_from(["hold", "release"]),
    contents,
)
sequences = st.lists(steps, max_size=25)


def take(board, step):
    hours, kind, content = step
    board.wait(hours)
    if kind == "whole":
        return board.read(content)
    if kind == "conditional":
        return board.read_conditionally(content)
    if kind == "part":
        return board.read(content, whole=False)
    if kind == "ids":
        return board.read((), unread=content)
    if kind in ("hold", "release"):
        board.is_on_hold = kind == "hold"
        board.evidence = replace(board.evidence, is_shrink_allowed=kind == "release")
        return None
    return board.fail(Outcome.NOT_FOUND if kind == "missing" else Outcome.UNREACHABLE)


def board_after(sequence):
    board = JudgedBoard()
    board.read(ALL)
    for step in sequence:
        take(board, step)
    return board


@settings(max_examples=500)
@given(sequences)
def test_no_posting_closes_without_two_witnesses_apart(sequence):
    """The board itself proves each closing; the second reading lets many of them happen."""
    board = JudgedBoard()
    board.read(ALL)
    for step in sequence:
        verdict = take(board, step)
        if verdict and verdict.look_again_at:
            assert verdict.look_again_at > board.now, "a second look lies ahead"


@settings(max_examples=300)
@given(sequences, contents, st.booleans())
def test_postings_that_are_gone_close_if_the_board_is_read_often(sequence, content, conditionally):
    board = board_after(sequence)
    board.is_on_hold = False
    for _ in range(6):
        board.wait(7)
        board.read_conditionally(content) if conditionally else board.read(content)
    assert board.open == content and not board.missing


@settings(max_examples=300)
@given(sequences, contents)
def test_second_looks_alone_bring_all_evidence_to_its_end(sequence, content):
    board = board_after(sequence)
    board.is_on_hold = False
    verdict, looks = board.wait(1).read(content), 0
    while verdict.look_again_at:
        board.hours += (verdict.look_again_at - board.now).total_seconds() / 3600
        board.second_look_at, looks = board.now, looks + 1
        verdict = board.read_conditionally(content)
    assert board.open == content and looks <= MAX_SECOND_LOOKS
    # Exactly: all evidence is used up.
    assert board.evidence == Evidence()


@given(sequences)
def test_board_that_stays_away_is_gone_in_the_end(sequence):
    board = board_after(sequence)
    board.is_on_hold = False
    verdict, looks = board.wait(1).fail(Outcome.GONE), 0
    while verdict.look_again_at:
        board.hours += (verdict.look_again_at - board.now).total_seconds() / 3600
        board.second_look_at, looks = board.now, looks + 1
        verdict = board.fail(Outcome.GONE)
    assert board.is_gone and not board.open and looks <= 3


@settings(max_examples=300)
@given(contents, st.floats(0, 0.9997), st.booleans())
def test_same_listing_twice_within_an_hour_closes_nothing(content, hours, conditionally):
    board = board_after([])
    board.wait(48).read(content)
    board.wait(hours)
    board.read_conditionally(content) if conditionally else board.read(content)
    assert board.open == ALL


@settings(max_examples=300)
@given(sequences, steps)
def test_nothing_ages_while_the_operator_holds_the_board(sequence, step):
    board = board_after(sequence)
    board.is_on_hold = True
    open_before, missing_before = board.open, board.missing
    if step[1] != "release":
        take(board, step)
    assert open_before <= board.open and board.missing <= missing_before
