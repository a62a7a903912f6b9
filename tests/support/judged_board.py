"""A board whose listings are judged, with its postings: verdicts are carried out as the database does it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.models import CloseReason, Outcome, ReadingState
from app.services.boards.times import BoardTimes
from app.services.boards.truth import (
    Evidence,
    Failure,
    Past,
    Reading,
    Verdict,
    Witness,
    judge_failure,
    judge_listing,
)

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
TEN = frozenset(range(10))
MANY = frozenset(range(120))
FEW = frozenset(range(40))
PROOF = {ReadingState.COMPLETE, ReadingState.UNCHANGED, ReadingState.FAILED}
"""The classes of listings that may close postings."""


@dataclass
class Life:
    """A posting, with the listings since it was last seen that have no record of it."""

    missing: Witness | None = None
    closed: CloseReason | None = None
    first_witness: int | None = None
    lacked: list[tuple[Witness, ReadingState]] = field(default_factory=list)


@dataclass
class JudgedBoard:
    """The evidence and the postings of a board. A posting's id is its number on the board."""

    times: BoardTimes = BoardTimes()
    hours: float = 0
    """The time, since BEGIN."""
    evidence: Evidence = Evidence()
    held_lacking: frozenset[int] = frozenset()
    complete_hours: float | None = None
    second_look_at: datetime | None = None
    is_on_hold: bool = False
    is_gone: bool = False
    validated: frozenset[int] | None = None
    """The content that the validators stand for."""
    lives: dict[int, Life] = field(default_factory=dict)
    listings: int = 0

    @property
    def now(self) -> datetime:
        return BEGIN + timedelta(hours=self.hours)

    @property
    def open(self) -> set[int]:
        return {each for each, life in self.lives.items() if not life.closed}

    @property
    def missing(self) -> set[int]:
        return {each for each in self.open if self.lives[each].missing}

    @property
    def closed(self) -> set[int]:
        return self.lives.keys() - self.open

    def wait(self, hours: float) -> "JudgedBoard":
        self.hours += hours
        return self

    def read(self, content: Iterable[int], *, whole: bool = True, unread: Iterable[int] = ()) -> Verdict:
        """Read the board. Of the postings ``unread`` only the ids can be read."""
        found, seen = frozenset(content), frozenset(content) | frozenset(unread)
        lacking = frozenset(self.open) - seen
        witness = self._witness()
        reading = Reading(witness, len(found), len(seen - found), lacking, whole)
        verdict = judge_listing(self._past(), reading, self.times)
        for each in seen:
            life = self.lives.setdefault(each, Life()) if each in found else self.lives.get(each)
            if life:
                life.missing, life.closed, life.lacked = None, None, []
        self._carry_out(verdict, witness, lacking)
        if verdict.lacking is not None and verdict.evidence.held == witness:
            self.held_lacking = verdict.lacking
        self.validated = found if verdict.keeps_validators else None
        return verdict

    def answer_unchanged(self) -> Verdict:
        """Answer a conditional request with "not modified"."""
        witness, lacking = self._witness(), frozenset(self.missing)
        assert self.validated is not None and self.open - self.missing <= self.validated, "its content is known"
        reading = Reading(witness, len(self.validated), 0, frozenset(), is_whole=True, is_unchanged=True)
        verdict = judge_listing(self._past(), reading, self.times)
        self._carry_out(verdict, witness, lacking)
        return verdict

    def read_conditionally(self, content: Iterable[int]) -> Verdict:
        """Read the board, or learn that it is unchanged, if it is and the validators are known."""
        return self.answer_unchanged() if self.validated == frozenset(content) else self.read(content)

    def fail(self, code: Outcome = Outcome.UNREACHABLE, **more: object) -> Verdict:
        """Fail to read the board."""
        witness = self._witness()
        failure = Failure(witness, code, "It failed.", is_missing=code in (Outcome.NOT_FOUND, Outcome.GONE), **more)
        verdict = judge_failure(self._past(), failure, self.times)
        self._carry_out(verdict, witness, frozenset(self.open) if failure.is_missing else frozenset())
        if not verdict.keeps_validators:
            self.validated = None
        return verdict

    def _witness(self) -> Witness:
        self.listings += 1
        return Witness(self.listings, self.now)

    def _past(self) -> Past:
        return Past(
            evidence=self.evidence,
            open_postings=frozenset(self.open),
            missing={each: self.lives[each].missing.began_at for each in self.missing},
            held_lacking=self.held_lacking,
            complete_at=None if self.complete_hours is None else BEGIN + timedelta(hours=self.complete_hours),
            second_look_at=self.second_look_at,
            is_on_hold=self.is_on_hold,
        )

    def _carry_out(self, verdict: Verdict, witness: Witness, lacking: frozenset[int]) -> None:
        for each in lacking:
            self.lives[each].lacked.append((witness, verdict.state))
        if closing := verdict.closing:
            for each in self.open if closing.postings is None else closing.postings:
                self._close(each, closing.reason, self.lives[each].missing or closing.first, witness, verdict)
        if verdict.ages:
            for each in lacking & self.open:
                life = self.lives[each]
                life.missing = life.missing or witness
                if (witness.began_at - life.missing.began_at).total_seconds() >= self.times.witness:
                    self._close(each, CloseReason.UNSEEN, life.missing, witness, verdict)
        self.evidence, self.is_gone = verdict.evidence, verdict.is_gone
        if self.evidence.held is None:
            self.held_lacking = frozenset()
        if verdict.state in (ReadingState.COMPLETE, ReadingState.UNCHANGED):
            self.complete_hours = self.hours

    def _close(self, each: int, reason: CloseReason, first: Witness, last: Witness, verdict: Verdict) -> None:
        """Close a posting, after proof that two listings lack it, apart, and none between them has it."""
        life = self.lives[each]
        assert not life.closed, "it is open"
        assert verdict.state in PROOF and not self.is_on_hold
        assert life.lacked[-1][0] == last, "the last witness lacks it"
        states = {lacked: state for lacked, state in life.lacked}
        assert first in states, "the first witness lacks it, and it was not seen since"
        assert states[first] is not ReadingState.PARTIAL
        assert (last.began_at - first.began_at).total_seconds() >= self.times.witness
        life.closed, life.missing, life.first_witness = reason, first, first.listing_id


def at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def board_with(content: Iterable[int] = TEN) -> JudgedBoard:
    """Return a board that was read completely at BEGIN."""
    board = JudgedBoard()
    board.read(content)
    return board
