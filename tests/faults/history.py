"""The history of a test: the table of runs, their timelines, and the log of the clients."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from threading import Lock
from typing import Any

import psycopg
from psycopg.rows import dict_row

TERMINAL = {"finished", "error", "aborted"}
MAX_COMMIT_TIME = timedelta(seconds=10)
"""Time limit from an event's date to its later commit. After that, every client must see the event."""

FOREVER = datetime.max.replace(tzinfo=timezone.utc)

Interval = tuple[datetime, datetime]


def now() -> datetime:
    """Return the time by the clock of the clients, which is the database's too: both run on one machine."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class LogEntry:
    """A request and its answer as the client saw them, or the receipt of a message by a worker.

    The kinds are:

    * started: a start answered 201.
    * replayed: a start answered 200, because its key was used before.
    * refused: a start answered 409; ``run_id`` is the active run that the answer names.
    * aborted: an abort answered 200. An operator's abort is recorded under the run's owner.
    * abort_refused: an abort answered 409; ``status`` is the status that the answer names.
    * seen: a GET of a run that showed ``status``. Without a status, /current-run named the run. Without a run either,
      /current-run answered null.
    * received: a worker logged that it received the run's message.
    * lost: no answer, so the outcome is unknown.
    """

    began: datetime
    ended: datetime
    user_id: int
    kind: str
    run_id: int | None = None
    status: str | None = None
    key: str | None = None


class ClientLog:
    """The thread-safe log of all clients. ``complete`` means that it contains every start.

    ``to_product`` converts a time of the clients to the product's clock, if that is shifted.
    """

    KINDS = ("started", "replayed", "refused", "aborted", "abort_refused", "seen", "received", "lost")

    def __init__(
        self, complete: bool = False, to_product: Callable[[datetime], datetime] = lambda moment: moment
    ) -> None:
        self.complete = complete
        self._to_product = to_product
        self._lock = Lock()
        self._entries: list[LogEntry] = []

    def record(
        self,
        kind: str,
        user_id: int,
        began: datetime,
        run_id: int | None = None,
        status: str | None = None,
        key: str | None = None,
        ended: datetime | None = None,
    ) -> LogEntry:
        """Append an entry and return it; ``ended`` defaults to now."""
        assert kind in self.KINDS, kind
        began, ended = self._to_product(began), self._to_product(ended or now())
        entry = LogEntry(began, ended, user_id, kind, run_id, status, key)
        with self._lock:
            self._entries.append(entry)
        return entry

    @property
    def entries(self) -> list[LogEntry]:
        """The entries so far."""
        with self._lock:
            return list(self._entries)


@dataclass(frozen=True)
class Event:
    """A row of run_events."""

    run_id: int
    seq: int
    at: datetime
    from_status: str | None
    to_status: str
    actor: str
    request_id: str | None = None


@dataclass(frozen=True)
class StatusSpan:
    """A status of a run, and the time during which a client may see it."""

    status: str
    since: datetime
    until: datetime

    def overlaps(self, entry: LogEntry) -> bool:
        """Return whether a client may have seen this status during the request."""
        return self.since <= entry.ended and self.until >= entry.began


@dataclass
class History:
    """The evidence for the history checker. ``runs`` are the rows of ingestion_runs by id."""

    runs: dict[int, dict[str, Any]]
    events: list[Event]
    entries: list[LogEntry] = field(default_factory=list)
    read_at: datetime = field(default_factory=now)
    complete: bool = False
    outages: list[Interval] = field(default_factory=list)
    """Outages that do not overlap."""

    @classmethod
    def read(cls, connection: "psycopg.Connection[Any]", log: ClientLog) -> "History":
        """Read the tables in one snapshot, and the entries made before it.

        The connection must not be in a transaction.
        """
        entries = log.entries
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            runs = connection.cursor(row_factory=dict_row).execute("SELECT * FROM ingestion_runs").fetchall()
            events = connection.execute(
                "SELECT run_id, seq, at, from_status, to_status, actor, request_id FROM run_events"
            ).fetchall()
        return cls({run["id"]: run for run in runs}, [Event(*event) for event in events], entries, now(), log.complete)

    @cached_property
    def timelines(self) -> dict[int, list[Event]]:
        """The events of each run, in order of their numbers."""
        found: dict[int, list[Event]] = defaultdict(list)
        for event in sorted(self.events, key=lambda event: (event.run_id, event.seq)):
            found[event.run_id].append(event)
        return dict(found)

    def timeline(self, run_id: int | None) -> list[Event]:
        """Return the events of a run, or an empty list."""
        return self.timelines.get(run_id or 0, [])

    @cached_property
    def by_run(self) -> dict[int, list[LogEntry]]:
        """The entries that name a run, by its id."""
        found: dict[int, list[LogEntry]] = defaultdict(list)
        for entry in self.entries:
            if entry.run_id is not None:
                found[entry.run_id].append(entry)
        return dict(found)

    @cached_property
    def _by_kind(self) -> dict[str, list[LogEntry]]:
        found: dict[str, list[LogEntry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.kind].append(entry)
        return dict(found)

    def of_kind(self, *kinds: str) -> list[LogEntry]:
        """Return the entries of these kinds."""
        return [entry for kind in kinds for entry in self._by_kind.get(kind, [])]

    @cached_property
    def _visibility_deadlines(self) -> dict[int, list[datetime]]:
        return {run_id: _visible_since(self, timeline) for run_id, timeline in self.timelines.items()}

    def spans(self, run_id: int | None) -> list[StatusSpan]:
        """Return the time during which each status of a run could be seen.

        It begins with the event and ends when every client must see the next one.
        """
        timeline = self.timeline(run_id)
        ends = [*self._visibility_deadlines.get(run_id or 0, [])[1:], FOREVER]
        return [StatusSpan(event.to_status, event.at, until) for event, until in zip(timeline, ends, strict=True)]

    def visible_since(self, run_id: int, place: int) -> datetime:
        """Return the time from which every client must see the event at this place of the run's timeline."""
        return self._visibility_deadlines[run_id][place]

    def outage_time(self, since: datetime, until: datetime) -> timedelta:
        """Return the total time of outages within this interval."""
        overlaps = (min(until, end) - max(since, begin) for begin, end in self.outages)
        return sum((overlap for overlap in overlaps if overlap > timedelta()), timedelta())


PROVEN_STATUS = {
    "started": "pending", "replayed": "pending", "refused": "pending", "received": "pending", "aborted": "aborted",
}
"""By kind of entry: a status that the run had reached by then. Entries of other kinds name a status themselves."""


def _visible_since(history: History, timeline: list[Event]) -> list[datetime]:
    """Return the time from which every client must see each event.

    An event was committed before the next event of its run, before any answer that reports it, and within
    MAX_COMMIT_TIME.
    """
    ends = [event.at + MAX_COMMIT_TIME for event in timeline]
    ends = [end + history.outage_time(event.at, end) for event, end in zip(timeline, ends, strict=True)]
    places = {event.to_status: place for place, event in reversed(list(enumerate(timeline)))}
    for entry in history.by_run.get(timeline[0].run_id, []):
        place = places.get(PROVEN_STATUS.get(entry.kind) or entry.status or "pending")
        if place is not None:
            ends[place] = min(ends[place], entry.ended)
    for place in reversed(range(len(timeline) - 1)):
        ends[place] = min(ends[place], timeline[place + 1].at, ends[place + 1])
    return ends
