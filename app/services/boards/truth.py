"""The evidence of listings: the class of each, and the postings that it makes missing or closes. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.models import CloseReason, Outcome, ReadingState
from app.services.boards.times import BoardTimes

MIN_SHRINKING = 10
"""The fewest open postings of a board whose shrinking is held. Small boards often lose half of their postings."""

MIN_EMPTY = 3
"""The empty listings in a row that close all postings."""

MIN_GONE = 2
"""The counted answers in a row that a board does not exist, after which it is gone."""

MIN_GONE_RECENT = 3
"""The same for a board that was read within ``BoardTimes.recent`` before the first of them."""


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
    missing: Mapping[int, datetime] = field(default_factory=dict)
    """Those of them that are missing, with the begin of the listing that first lacked each."""
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
    """The postings read; for an unchanged board those of its last complete listing."""
    unparsed: int
    """The records that could not be read, with or without an id; for an unchanged board as for ``found``."""
    lacking: frozenset[int]
    """The open postings of which the listing has no record. Ignored for an unchanged board: it lacks the missing."""
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
    """The postings to close at once: all open ones, or some. It goes before ageing.

    A posting that is missing already keeps its own first witness, which is earlier.
    """

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
    """True if the next request may be conditional: a complete listing stores its own validators; an unchanged or
    failed one leaves those of before. False removes them."""
    is_gone: bool = False
    """True if the board counts as gone from now on."""
    look_again_at: datetime | None = None
    """Time of the next second look, if evidence waits for one."""


def judge_listing(past: Past, reading: Reading, times: BoardTimes) -> Verdict:
    """Return the verdict on a listing.

    While the operator holds the board, a listing is no witness: it starts and continues no row of evidence. It still
    ends those that it contradicts.
    """
    past = replace(past, evidence=_uncontradicted(past, reading))
    verdict = _judge(past, reading, times)
    missing = _missing_after(past, reading, verdict, times)
    return replace(verdict, look_again_at=_look_again_at(past, verdict, missing, reading.witness.began_at, times))


def judge_failure(past: Past, failure: Failure, times: BoardTimes) -> Verdict:
    """Return the verdict on a failed reading. Only answers that the board does not exist are evidence."""
    evidence = past.evidence
    if failure.is_missing and not past.is_on_hold:
        evidence = _with_gone(past, failure.witness, times)
    is_gone = _is_gone(evidence, past.complete_at, times)
    closing = None
    if is_gone and evidence.gone:
        if past.open_postings and not past.is_on_hold:
            closing = Closing(CloseReason.BOARD_GONE, evidence.gone)
        # Nothing else waits for proof, and a later "not modified" would be about postings that are closed.
        evidence = replace(evidence, held=None, empty=None, empty_count=0)
    verdict = Verdict(
        ReadingState.FAILED,
        failure.code,
        failure.sentence,
        evidence,
        closing=closing,
        keeps_validators=not is_gone,
        is_gone=is_gone,
    )
    look_again_at = _look_again_at(past, verdict, past.missing, failure.witness.began_at, times)
    if look_again_at and failure.retry_at:
        look_again_at = max(look_again_at, failure.retry_at)
    return replace(verdict, look_again_at=look_again_at)


def _judge(past: Past, reading: Reading, times: BoardTimes) -> Verdict:
    """Return the verdict without the time of the next look."""
    if reading.is_unchanged:
        return _complete(past, reading, ReadingState.UNCHANGED)
    if not reading.is_whole:
        return Verdict(ReadingState.PARTIAL, Outcome.PARTIAL, _unread(reading), past.evidence)
    if not reading.found and not reading.unparsed and past.open_postings:
        return _judge_empty(past, reading, times)
    if past.is_on_hold:
        return _judge_on_hold(past, reading)
    if not _is_shrunk(past, reading):
        return _complete(past, reading)
    if confirmed := _confirmed(past, reading, times):
        return replace(_complete(past, reading), closing=confirmed)
    return _complete(past, reading) if past.evidence.is_shrink_allowed else _held(past, reading)


def _complete(past: Past, reading: Reading, state: ReadingState = ReadingState.COMPLETE) -> Verdict:
    """Return the verdict on a listing that ages postings. It ends all rows of evidence.

    A complete listing also uses up the operator's release, so that no later shrink passes by it.
    """
    is_shrink_allowed = past.evidence.is_shrink_allowed and state is ReadingState.UNCHANGED
    code, sentence = Outcome.OK, None
    if reading.unparsed:
        code, sentence = Outcome.PARTIAL, _unread(reading)
    elif not reading.found:
        code = Outcome.EMPTY
    return Verdict(
        state,
        code,
        sentence,
        Evidence(is_shrink_allowed=is_shrink_allowed),
        ages=not past.is_on_hold,
        keeps_validators=True,
    )


def _judge_empty(past: Past, reading: Reading, times: BoardTimes) -> Verdict:
    """Return the verdict on a board that lists nothing although postings are open."""
    evidence, count = past.evidence, _counted(len(past.open_postings), "posting")
    if past.is_on_hold:
        sentence = f"The board lists nothing now. Its {count} still count as open, because the operator holds it."
        return Verdict(ReadingState.EMPTY, Outcome.EMPTY, sentence, evidence)
    first, number = evidence.empty or reading.witness, min(evidence.empty_count + 1, MIN_EMPTY)
    if number == MIN_EMPTY and _seconds(first, reading.witness) >= times.empty:
        closing = Closing(CloseReason.BOARD_EMPTY, first)
        sentence = f"The board was empty three times over a day. Its {count} count as closed."
        return replace(_complete(past, reading), sentence=sentence, closing=closing)
    until = "until it was empty three times over a day"
    sentence = f"The board lists nothing now. Its {count} still count as open, {until}."
    evidence = replace(evidence, empty=first, empty_count=number)
    return Verdict(ReadingState.EMPTY, Outcome.EMPTY, sentence, evidence)


def _judge_on_hold(past: Past, reading: Reading) -> Verdict:
    """Return the verdict on a whole listing of a board that the operator holds."""
    if not reading.lacking:
        return _complete(past, reading)
    lacking, count = len(reading.lacking), _counted(len(past.open_postings), "posting")
    sentence = f"The board lacks {lacking} of its {count}. They still count as open, because the operator holds it."
    return Verdict(ReadingState.HELD, Outcome.HELD, sentence, past.evidence, lacking=reading.lacking)


def _held(past: Past, reading: Reading) -> Verdict:
    """Return the verdict on a listing that must be confirmed by a second, alike one."""
    held, first = past.evidence.held, reading.witness
    # A posting that was seen again since has no row of listings without it, so the row begins here.
    if held and past.held_lacking <= reading.lacking and _are_alike(past.held_lacking, reading.lacking):
        first = held
    number, lacking = len(past.open_postings), len(reading.lacking)
    kept = number - lacking
    shrink = f"The board shrank from {number} to {_counted(kept, 'posting')}."
    if reading.found > kept:  # some are new, so it has more than are left
        shrink = f"Only {kept} of the board's {_counted(number, 'posting')} are left."
    sentence = f"{shrink} The other {lacking} count as gone only if a second reading finds the same."
    evidence = replace(past.evidence, held=first)
    return Verdict(ReadingState.HELD, Outcome.HELD, sentence, evidence, lacking=reading.lacking)


def _uncontradicted(past: Past, reading: Reading) -> Evidence:
    """Return the evidence without the rows that a listing of any class ends.

    A board that answers exists. One with a record is not empty. A held shrink of which a posting is back stays only
    for the listing that is compared with it.
    """
    evidence = replace(past.evidence, gone=None, last_gone=None, gone_count=0)
    if reading.found or reading.unparsed:
        evidence = replace(evidence, empty=None, empty_count=0)
    is_compared = reading.is_whole and not past.is_on_hold
    if not is_compared and not past.held_lacking <= reading.lacking:
        evidence = replace(evidence, held=None)
    return evidence


def _is_shrunk(past: Past, reading: Reading) -> bool:
    """Return whether a listing lacks so many postings that it must be confirmed.

    Postings that are missing already passed this test at a listing before, or the operator let them pass.
    """
    number, lacking = len(past.open_postings), reading.lacking
    return number >= MIN_SHRINKING and 2 * len(lacking) > number and not lacking <= past.missing.keys()


def _confirmed(past: Past, reading: Reading, times: BoardTimes) -> Closing | None:
    """Return the closing of the postings that a held listing and this one lack, if they are alike and apart."""
    held = past.evidence.held
    if not held or _seconds(held, reading.witness) < times.witness:
        return None
    if not _are_alike(past.held_lacking, reading.lacking):
        return None
    return Closing(CloseReason.UNSEEN, held, past.held_lacking & reading.lacking)


def _are_alike(one: frozenset[int], other: frozenset[int]) -> bool:
    """Return whether two sets have nine tenths of their postings in common."""
    return 10 * len(one & other) >= 9 * len(one | other)


def _with_gone(past: Past, witness: Witness, times: BoardTimes) -> Evidence:
    """Return the evidence with another answer that the board does not exist, if it counts."""
    evidence = past.evidence
    if _is_gone(evidence, past.complete_at, times):
        return evidence
    if evidence.last_gone and _seconds(evidence.last_gone, witness) < times.gone:
        return evidence
    return replace(evidence, gone=evidence.gone or witness, last_gone=witness, gone_count=evidence.gone_count + 1)


def _is_gone(evidence: Evidence, complete_at: datetime | None, times: BoardTimes) -> bool:
    """Return whether the board counts as gone. One that was read not long before needs more evidence."""
    if not evidence.gone:
        return False
    is_recent = complete_at is not None and (evidence.gone.began_at - complete_at).total_seconds() <= times.recent
    return evidence.gone_count >= (MIN_GONE_RECENT if is_recent else MIN_GONE)


def _missing_after(past: Past, reading: Reading, verdict: Verdict, times: BoardTimes) -> Mapping[int, datetime]:
    """Return the postings that are missing once the verdict is carried out, as ``Past.missing``."""
    if verdict.closing and verdict.closing.postings is None:
        return {}
    began_at = reading.witness.began_at
    lacking = frozenset(past.missing) if reading.is_unchanged else reading.lacking
    if not verdict.ages:
        return {each: since for each, since in past.missing.items() if each in lacking}
    if verdict.closing and verdict.closing.postings:
        lacking -= verdict.closing.postings
    since_by_id = {each: past.missing.get(each, began_at) for each in lacking}
    return {each: since for each, since in since_by_id.items() if (began_at - since).total_seconds() < times.witness}


def _look_again_at(
    past: Past, verdict: Verdict, missing: Mapping[int, datetime], began_at: datetime, times: BoardTimes
) -> datetime | None:
    """Return the earliest time at which a second look would bring evidence on; None if nothing waits for one.

    The row that the last listing belongs to decides: while it lasts, no other can go on.
    """
    due = None if past.is_on_hold or verdict.is_gone else _due(verdict.evidence, missing, times)
    if due is None:
        return None
    if due <= began_at:
        # This listing came in time and proved nothing. The next one would hardly be different at once.
        due = began_at + timedelta(seconds=times.witness)
    if past.second_look_at:
        due = max(due, past.second_look_at + timedelta(seconds=times.second_look))
    return due


def _due(evidence: Evidence, missing: Mapping[int, datetime], times: BoardTimes) -> datetime | None:
    """Return the time from which the next listing counts."""
    if evidence.last_gone:
        return evidence.last_gone.began_at + timedelta(seconds=times.gone)
    if evidence.empty:
        return evidence.empty.began_at + timedelta(seconds=times.empty / (2 if evidence.empty_count == 1 else 1))
    if evidence.held:
        return evidence.held.began_at + timedelta(seconds=times.witness)
    return min(missing.values()) + timedelta(seconds=times.witness) if missing else None


def _unread(reading: Reading) -> str:
    """Return the sentence on the part of a board that could not be read."""
    records = _counted(reading.found + reading.unparsed, "record")
    if not reading.found and reading.unparsed:
        return f"None of its {records} could be read."
    if reading.is_whole:
        return f"{reading.unparsed} of the board's {records} could not be read."
    rest = f"{reading.unparsed} more could not be read" if reading.unparsed else "It may have more"
    return f"The board was read in part: {_counted(reading.found, 'posting')}. {rest}."


def _counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 posting, 2 postings."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _seconds(first: Witness, last: Witness) -> float:
    """Return the time from one listing's begin to another's."""
    return (last.began_at - first.began_at).total_seconds()
