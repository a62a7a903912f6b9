"""The model of a board: the evidence of its listings, and the life of its postings. It decides by the rules of truth.

Nothing here is the product's. The rules are those of docs/architecture.md: a posting is closed by two witnesses at
least an hour apart, and only by complete or unchanged listings; shrinks, empty boards and boards that are gone need
more. While the operator holds a board, no listing is a witness.
"""

from dataclasses import dataclass, field, replace

from tests.faults.run_model.world import Content, Source

WITNESS, EMPTY, GONE = 3600, 24 * 3600, 6 * 3600
RECENT, REUSE = 7 * 24 * 3600, 24 * 3600
LEASE, FAILED, MAX_ATTEMPTS = 30, 60, 3
MIN_SHRINKING = 10


@dataclass(frozen=True)
class Witness:
    """A listing, and the time at which its reading began."""

    listing: int
    began: int
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Posting:
    """A posting as the board last showed it."""

    content: Content
    revision: int = 0
    """The number of contents that it had before."""
    missing: Witness | None = None
    closed: tuple[str, int] | None = None
    """The reason and the last witness."""


@dataclass(frozen=True)
class Reading:
    """A claimed board: the lease, and the reading that has begun."""

    board: str
    lease: int
    listing: int
    began: int
    tag: str | None
    """The entity tag for a conditional request."""


@dataclass
class Board:
    """A board as the product must know it."""

    name: str
    postings: dict[str, Posting] = field(default_factory=dict)
    listings: dict[int, tuple[str, int, int, tuple[int, ...] | None]] = field(default_factory=dict)
    """The history: for each listing its state, begin, end and counts."""
    events: list[tuple[object, ...]] = field(default_factory=list)
    reading: Witness | None = None
    lease: int | None = None
    lease_until: int = 0
    attempt: int = 0
    last: int | None = None
    content: Witness | None = None
    """The last listing with content. It lacks the postings that it was held for."""
    unparsed: dict[int, int] = field(default_factory=dict)
    """The records of each listing that could not be read."""
    complete: int | None = None
    failed_until: int = 0
    complete_at: int | None = None
    tag: tuple[str, int] | None = None
    held: Witness | None = None
    empty: Witness | None = None
    empty_count: int = 0
    gone: Witness | None = None
    last_gone: Witness | None = None
    gone_count: int = 0
    is_on_hold: bool = False
    is_shrink_allowed: bool = False
    """True from the operator's release to the next complete listing."""
    written: set[str] = field(default_factory=set)
    """The postings whose rows were written since the last comparison."""

    def copy(self) -> "Board":
        """Return a copy that can be changed."""
        return replace(self, postings=dict(self.postings), listings=dict(self.listings), events=list(self.events),
                       unparsed=dict(self.unparsed), written=set(self.written))

    # --- What the board shows to runs --------------------------------------------------------------------------------

    def is_open(self, name: str) -> bool:
        """Return whether the posting is there and not closed."""
        return self.postings[name].closed is None

    def offered(self) -> dict[str, Posting]:
        """Return the postings that the board offers: open, not missing, and not lacked by a held listing."""
        if self.content is None or self.empty or self.listings[self.content.listing][0] == "empty":
            return {}
        lacked = self.content.lacking | (self.held.lacking if self.held else frozenset())
        return {
            name: posting for name, posting in self.postings.items()
            if not posting.closed and not posting.missing and name not in lacked
        }

    # --- Readings ----------------------------------------------------------------------------------------------------

    def is_free(self, now: int) -> bool:
        """Return whether no reader has a valid lease."""
        return self.lease is None or self.lease_until <= now

    def end(self, reading: Reading, source: Source, now: int) -> int | None:
        """End a reading that shows what the source is; return its listing, or None if the lease was lost."""
        if self.lease != reading.lease or self.reading is None:
            return None
        witness = Witness(reading.listing, reading.began)
        if source.fault in ("missing", "failing"):
            self._fail(witness, source.fault == "missing", now)
        elif source.has_tag and source.fault is None and reading.tag == source.tag():
            self._store(witness, None, frozenset(), "unchanged", now)
        else:
            shown = source.shown()
            self._store(witness, shown, source.seen(), "partial" if source.fault else "complete", now)
            is_proof = self.listings[witness.listing][0] == "complete"
            self.tag = (source.tag(), witness.began) if is_proof and source.has_tag else None
        return witness.listing

    def exhaust(self, reading: Reading, now: int) -> None:
        """End a reading whose last attempt has died."""
        self._fail(Witness(reading.listing, reading.began), False, now)

    def _store(
        self, witness: Witness, shown: dict[str, Content] | None, seen: frozenset[str], state: str, now: int
    ) -> None:
        open_before = {name for name in self.postings if self.is_open(name)}
        missing = {name for name in open_before if self.postings[name].missing}
        lacking = frozenset(missing if shown is None else open_before - shown.keys() - seen)
        found = len(open_before - missing) if shown is None else len(shown)
        self.gone = self.last_gone = None
        self.gone_count = 0
        if found or seen:
            self.empty, self.empty_count = None, 0
        state, reason, closing = self._judge(witness, state, open_before, lacking, found + len(seen))
        counts = dict.fromkeys(("new", "changed", "reopened", "missing", "closed"), 0)
        self._show(witness, shown or {}, seen, counts)
        if state in ("complete", "unchanged"):
            if not self.is_on_hold:
                self._age(witness, lacking, closing, reason, counts)
            self._forget()
            self.is_shrink_allowed &= state == "unchanged"
            self.complete_at = now
        self.unparsed[witness.listing] = self.unparsed[self.complete or 0] if shown is None else len(seen)
        if state in ("complete", "unchanged"):
            self.complete = witness.listing
        told = (found, counts["new"], counts["changed"], found - counts["new"] - counts["changed"],
                counts["reopened"], counts["missing"], counts["closed"])
        self._ended(witness, state, told, now)
        self.content = replace(witness, lacking=lacking if state == "held" else frozenset())
        self.failed_until = 0

    def _judge(
        self, witness: Witness, state: str, opened: set[str], lacking: frozenset[str], records: int
    ) -> tuple[str, str, dict[str, Witness]]:
        """Return the state of the listing, and the postings that it closes at once, with a first witness."""
        if (state == "partial" or self.is_on_hold) and self.held and not self.held.lacking <= lacking:
            self.held = None
        if state == "partial":
            return state, "", {}
        if state == "complete" and not records and opened:
            return ("empty", "", {}) if self.is_on_hold else self._judge_empty(witness, opened)
        if self.is_on_hold:
            return "held" if state == "complete" and lacking else state, "", {}
        missing = {name for name in opened if self.postings[name].missing}
        is_shrunk = len(opened) >= MIN_SHRINKING and 2 * len(lacking) > len(opened) and not lacking <= missing
        if state == "unchanged" or not is_shrunk:
            return state, "", {}
        held = self.held
        if held and witness.began - held.began >= WITNESS and _alike(held.lacking, lacking):
            return state, "unseen", dict.fromkeys(held.lacking & lacking, held)
        if self.is_shrink_allowed:
            return state, "", {}
        if not (held and held.lacking <= lacking and _alike(held.lacking, lacking)):
            self.held = replace(witness, lacking=lacking)
        return "held", "", {}

    def _judge_empty(self, witness: Witness, opened: set[str]) -> tuple[str, str, dict[str, Witness]]:
        first = self.empty or witness
        self.empty_count = min(self.empty_count + 1, 3)
        if self.empty_count == 3 and witness.began - first.began >= EMPTY:
            return "complete", "board_empty", dict.fromkeys(opened, first)
        self.empty = first
        return "empty", "", {}

    def _show(self, witness: Witness, shown: dict[str, Content], seen: frozenset[str], counts: dict[str, int]) -> None:
        """Store the postings that the listing shows."""
        for name, content in shown.items():
            before = self.postings.get(name)
            if before is None:
                self._write(name, Posting(content), witness, ("new", frozenset(), None, None))
                counts["new"] += 1
                continue
            fields = content.differs(before.content)
            if not fields and not before.missing and not before.closed:
                continue
            after = Posting(content, before.revision + bool(fields))
            events = []
            if before.closed:
                events.append(("reopened", frozenset(), None, None))
                counts["reopened"] += 1
            if fields:
                events.append(("changed", fields, None, None))
                counts["changed"] += 1
            self._write(name, after, witness, *events)
        for name in seen & self.postings.keys():
            if self.postings[name].missing and not self.postings[name].closed:
                self._write(name, replace(self.postings[name], missing=None), witness)

    def _age(
        self, witness: Witness, lacking: frozenset[str], closing: dict[str, Witness], reason: str,
        counts: dict[str, int],
    ) -> None:
        """Close the postings that two witnesses lack, and note the first one of the others."""
        for name in lacking:
            posting = self.postings[name]
            first = posting.missing or closing.get(name) or witness
            if name in closing or witness.began - first.began >= WITNESS:
                self._close(name, reason if name in closing else "unseen", first, witness)
                counts["closed"] += 1
            elif not posting.missing:
                self._write(name, replace(posting, missing=witness), witness, ("missing", frozenset(), None, None))
                counts["missing"] += 1

    def _fail(self, witness: Witness, is_missing: bool, now: int) -> None:
        """End a reading that failed. Only an answer that the board does not exist is evidence."""
        if is_missing and not self._is_gone() and not self.is_on_hold:
            if not self.last_gone or witness.began - self.last_gone.began >= GONE:
                self.gone, self.last_gone = self.gone or witness, witness
                self.gone_count += 1
        closed = 0
        if self._is_gone() and self.gone:
            for name in [each for each in self.postings if self.is_open(each) and not self.is_on_hold]:
                self._close(name, "board_gone", self.postings[name].missing or self.gone, witness)
                closed += 1
            self._forget(keep_gone=True)
            self.tag = None
        self._ended(witness, "failed", (0, 0, 0, 0, 0, 0, closed), now)
        self.failed_until = now + FAILED

    def _is_gone(self) -> bool:
        if not self.gone:
            return False
        is_recent = self.complete_at is not None and self.gone.began - self.complete_at <= RECENT
        return self.gone_count >= (3 if is_recent else 2)

    def _close(self, name: str, reason: str, first: Witness, witness: Witness) -> None:
        closed = replace(self.postings[name], missing=first, closed=(reason, witness.listing))
        self._write(name, closed, witness, ("closed", frozenset(), reason, first.listing))

    def _write(self, name: str, posting: Posting, witness: Witness, *events: tuple[object, ...]) -> None:
        self.postings[name] = posting
        self.written.add(name)
        self.events += [(name, witness.listing, *event) for event in events]

    def _forget(self, keep_gone: bool = False) -> None:
        """End the rows of evidence."""
        self.held = self.empty = None
        self.empty_count = 0
        if not keep_gone:
            self.gone = self.last_gone = None
            self.gone_count = 0

    def _ended(self, witness: Witness, state: str, counts: tuple[int, ...], now: int) -> None:
        told = (None, *counts[1:3], None, *counts[4:]) if state == "failed" else counts
        self.listings[witness.listing] = (state, witness.began, now, told)
        self.last, self.reading, self.lease, self.attempt = witness.listing, None, None, 0


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return 10 * len(one & other) >= 9 * len(one | other)
