"""The evidence of listings: the class of each, and the postings that it makes missing or closes. Pure functions."""

from dataclasses import dataclass
from datetime import datetime

from app.models import CloseReason, Outcome, ReadingState
from app.services.boards.times import BoardTimes


@dataclass(frozen=True)
class Witness:
    """A listing that counts as evidence."""

    listing_id: int
    began_at: datetime


@dataclass(frozen=True)
class Evidence:
    """The evidence that a board carries from one listing to the next."""

    held: Witness | None = None
    """The first of the alike listings that lack more than half of the postings."""
    empty: Witness | None = None
    """The first of the empty listings in a row."""
    empty_count: int = 0
    gone: Witness | None = None
    """The first of the answers in a row, each at least ``BoardTimes.gone`` later, that the board does not exist."""
    last_gone: Witness | None = None
    gone_count: int = 0
    is_shrink_allowed: bool = False
    """True if the operator released the board: its next complete listing is not held."""


@dataclass(frozen=True)
class Past:
    """The state of a board before the listing that is judged."""

    evidence: Evidence = Evidence()
    open_postings: frozenset[int] = frozenset()
    """The ids of the postings that are not closed."""
    first_missing: datetime | None = None
    """Begin of the listing that first lacked the open posting that is missing longest; None if none is missing."""
    held_lacking: frozenset[int] = frozenset()
    """The postings that the listing ``evidence.held`` lacks."""
    complete_at: datetime | None = None
    """End of the last complete or unchanged listing."""
    second_look_at: datetime | None = None
    """Time of the last second look."""
    is_on_hold: bool = False
    """True if the operator lets no listing make a posting missing or closed."""


@dataclass(frozen=True)
class Reading:
    """The result of reading a board to its end, or of an answer that nothing has changed."""

    witness: Witness
    """This listing."""
    found: int
    """The postings read."""
    unparsed: int
    """The records that could not be read, with or without an id."""
    lacking: frozenset[int]
    """The open postings of which the listing has no record."""
    is_whole: bool
    """True if every page and every record's id was read, below all limits."""
    is_unchanged: bool = False
    """True if the board answered that it is as at its last complete listing."""


@dataclass(frozen=True)
class Failure:
    """A reading that failed."""

    witness: Witness
    code: Outcome
    sentence: str
    retry_at: datetime | None = None
    is_missing: bool = False
    """True if the source answered 404 or 410 for the board itself."""


@dataclass(frozen=True)
class Closing:
    """The postings to close at once: all open ones, or some."""

    reason: CloseReason
    first: Witness
    """Their first witness; the judged listing is the last."""
    postings: frozenset[int] | None = None
    """Their ids; None for all open ones."""


@dataclass(frozen=True)
class Verdict:
    """The class of a listing, and its consequences."""

    state: ReadingState
    code: Outcome
    sentence: str | None
    evidence: Evidence
    ages: bool = False
    """True if lacking postings become missing, and those missing since ``BoardTimes.witness`` or longer are closed."""
    closing: Closing | None = None
    lacking: frozenset[int] | None = None
    """The postings to remember with a held listing; None for other listings."""
    keeps_validators: bool = False
    """True if the next request may be conditional on this listing."""
    is_gone: bool = False
    """True if the board counts as gone from now on."""
    look_again_at: datetime | None = None
    """Time of the next second look, if evidence waits for one."""


def judge_listing(past: Past, reading: Reading, times: BoardTimes) -> Verdict:
    """Return the verdict on a listing."""
    raise NotImplementedError


def judge_failure(past: Past, failure: Failure, times: BoardTimes) -> Verdict:
    """Return the verdict on a failed reading."""
    raise NotImplementedError
