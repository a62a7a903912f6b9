"""What happened, as three witnesses tell it: the table of runs, their timelines, and the clients' own log."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from threading import Lock
from typing import Any

import psycopg
from psycopg.rows import dict_row

TERMINAL = {"finished", "error", "aborted"}
MAX_COMMIT_TIME = timedelta(seconds=10)
"""An event has its time from before its commit; by then at the latest after it everybody must see it."""

FOREVER = datetime.max.replace(tzinfo=timezone.utc)

Interval = tuple[datetime, datetime]


def now() -> datetime:
    """The clock of all clients; the database's is the same, because it is on the same machine."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class LogEntry:
    """One request, or one receipt, as whoever made it saw it. ``kind`` is one of:

    started (201), replayed (200 for a key used before), refused (409 of a start; ``run_id`` is the run it named),
    aborted (200; an operator's is noted under the run's owner), abort_refused (409; ``status`` is what it named),
    seen (GET of a run showed ``status``; with a run and no status: /current-run named it; with neither: /current-run
    said null), received (a worker said that it has the run's message), lost (no answer: nobody knows what happened).
    """

    began: datetime
    ended: datetime
    user_id: int
    kind: str
    run_id: int | None = None
    status: str | None = None
    key: str | None = None


class ClientLog:
    """The entries of any number of threads. ``complete`` says that every start there was is in it."""

    KINDS = ("started", "replayed", "refused", "aborted", "abort_refused", "seen", "received", "lost")

    def __init__(self, complete: bool = False) -> None:
        self.complete = complete
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
        """Write down what was answered; ``ended`` is now, if it is not said."""
        assert kind in self.KINDS, kind
        entry = LogEntry(began, ended or now(), user_id, kind, run_id, status, key)
        with self._lock:
            self._entries.append(entry)
        return entry

    @property
    def entries(self) -> list[LogEntry]:
        """All entries so far."""
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
    """A status, and between which moments it could be seen."""

    status: str
    since: datetime
    until: datetime

    def meets(self, entry: LogEntry) -> bool:
        """Whether some moment of it lies within the request."""
        return self.since <= entry.ended and self.until >= entry.began


@dataclass
class History:
    """All there is to judge by. ``runs`` are rows of ingestion_runs, by id."""

    runs: dict[int, dict[str, Any]]
    events: list[Event]
    entries: list[LogEntry] = field(default_factory=list)
    read_at: datetime = field(default_factory=now)
    complete: bool = False
    outages: list[Interval] = field(default_factory=list)
    """Without overlaps."""

    @classmethod
    def read(cls, connection: "psycopg.Connection[Any]", log: ClientLog) -> "History":
        """The tables as they stand, in one snapshot, and the entries made before; the connection is in no transaction."""
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
        """The events of each run, by number."""
        found: dict[int, list[Event]] = defaultdict(list)
        for event in sorted(self.events, key=lambda event: (event.run_id, event.seq)):
            found[event.run_id].append(event)
        return dict(found)

    def timeline(self, run_id: int | None) -> list[Event]:
        """The events of one run; none, if there is none."""
        return self.timelines.get(run_id or 0, [])

    @cached_property
    def by_run(self) -> dict[int, list[LogEntry]]:
        """The entries that name a run."""
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

    def of(self, *kinds: str) -> list[LogEntry]:
        """The entries of these kinds."""
        return [entry for kind in kinds for entry in self._by_kind.get(kind, [])]

    @cached_property
    def _seen_by(self) -> dict[int, list[datetime]]:
        return {run_id: _seen_by(self, timeline) for run_id, timeline in self.timelines.items()}

    def spans(self, run_id: int | None) -> list[StatusSpan]:
        """When each status of a run could be seen: from its event on, until everybody had to see the next one."""
        timeline = self.timeline(run_id)
        ends = [*self._seen_by.get(run_id or 0, [])[1:], FOREVER]
        return [StatusSpan(event.to_status, event.at, until) for event, until in zip(timeline, ends, strict=True)]

    def seen_by(self, run_id: int, place: int) -> datetime:
        """The latest moment at which somebody may not yet have seen the event in that place of a run's timeline."""
        return self._seen_by[run_id][place]

    def pause(self, since: datetime, until: datetime) -> timedelta:
        """How much of this stretch was outage."""
        overlaps = (min(until, end) - max(since, begin) for begin, end in self.outages)
        return sum((overlap for overlap in overlaps if overlap > timedelta()), timedelta())


PROVEN_STATUS = {"started": "pending", "replayed": "pending", "refused": "pending", "received": "pending",
             "aborted": "aborted"}
"""What a entry proves at the least; of the other kinds it says so itself."""


def _seen_by(history: History, timeline: list[Event]) -> list[datetime]:
    """An event was committed before the next one of its run, before any answer that tells of it, and within a bound."""
    ends = [event.at + MAX_COMMIT_TIME for event in timeline]
    ends = [end + history.pause(event.at, end) for event, end in zip(timeline, ends, strict=True)]
    places = {event.to_status: place for place, event in reversed(list(enumerate(timeline)))}
    for entry in history.by_run.get(timeline[0].run_id, []):
        place = places.get(PROVEN_STATUS.get(entry.kind) or entry.status or "pending")
        if place is not None:
            ends[place] = min(ends[place], entry.ended)
    for place in reversed(range(len(timeline) - 1)):
        ends[place] = min(ends[place], timeline[place + 1].at, ends[place + 1])
    return ends
