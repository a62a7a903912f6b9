"""The history checker: the rules that every history must obey, whatever was killed, frozen or lost.

The rules follow from the promises of the product. Nothing of the code under test is imported here.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tests.faults.history import FOREVER, TERMINAL, ClientLog, Event, History, Interval, LogEntry, now

__all__ = ["RULES", "ClientLog", "Event", "History", "LogEntry", "Violation", "now", "violations"]

LEGAL_MOVES = {
    (None, "pending"),
    ("pending", "initializing"), ("initializing", "ingesting"), ("ingesting", "finished"),
    ("pending", "error"), ("initializing", "error"), ("ingesting", "error"),
    ("pending", "aborted"), ("initializing", "aborted"), ("ingesting", "aborted"),
}
ACTORS = {
    "pending": {"user"},
    "initializing": {"worker"},
    "ingesting": {"worker"},
    "finished": {"worker"},
    "error": {"worker", "rescue"},
    "aborted": {"user", "operator"},
}
COUNTS = ("jobs_ready", "jobs_skipped", "jobs_expired", "jobs_failed")

Findings = Iterator[tuple[int | None, str]]


@dataclass(frozen=True)
class Violation:
    """A broken rule, the run that broke it, and a sentence about it."""

    rule: str
    run_id: int | None
    sentence: str


def acknowledged_start_exists(history: History) -> Findings:
    """Every start answered 201 or 200 has its run. The run of a 201 was created during the request."""
    for entry in history.of_kind("started", "replayed"):
        run = history.runs.get(entry.run_id or 0)
        if run is None:
            yield entry.run_id, f"{entry.kind} was answered at {entry.ended}, but the run does not exist"
        elif run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was given a run of user {run['user_id']}"
        elif history.timeline(entry.run_id):
            began = history.timeline(entry.run_id)[0].at
            if began > entry.ended or (entry.kind == "started" and began < entry.began):
                asked = f"requested at {entry.began} and answered at {entry.ended}"
                yield entry.run_id, f"{entry.kind} was {asked}, but the run was created at {began}"


def one_created_answer_per_run(history: History) -> Findings:
    """No two starts were answered 201 with the same run."""
    for run_id, number in Counter(entry.run_id for entry in history.of_kind("started")).items():
        if number > 1:
            yield run_id, f"{number} starts were answered 201 with this run"


def every_run_has_a_start(history: History) -> Findings:
    """In a complete log, every run belongs to an answered start, or to one whose answer was lost."""
    if not history.complete:
        return
    known = {entry.run_id for entry in history.of_kind("started", "replayed")}
    for run_id in history.runs.keys() - known:
        owner = history.runs[run_id]["user_id"]
        began = history.timeline(run_id)[0].at if history.timeline(run_id) else FOREVER
        if not any(entry.user_id == owner and entry.began <= began for entry in history.of_kind("lost")):
            yield run_id, "no start in the log created this run"


def acknowledged_abort_is_final(history: History) -> Findings:
    """A run whose abort was answered 200 was aborted by then, and stays aborted."""
    for entry in history.of_kind("aborted"):
        run, timeline = history.runs.get(entry.run_id or 0), history.timeline(entry.run_id)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} got a 200 for the abort of a run that they do not have"
        elif run["status"] != "aborted":
            yield entry.run_id, f"its abort was acknowledged at {entry.ended}, but its status is {run['status']}"
        elif not timeline or timeline[-1].to_status != "aborted" or timeline[-1].at > entry.ended:
            yield entry.run_id, f"its abort was acknowledged at {entry.ended}, but its timeline has no abort by then"


def terminal_status_is_final(history: History) -> Findings:
    """No event follows a terminal status."""
    for run_id, timeline in history.timelines.items():
        for event, after in pairwise(timeline):
            if event.to_status in TERMINAL:
                yield run_id, f"event {after.seq} ({after.to_status}) follows the terminal status {event.to_status}"


def one_active_run_per_user(history: History) -> Findings:
    """Of two runs of a user, one ended before the other began."""
    for user_id, spans in _active_spans(history).items():
        latest, by = datetime.min.replace(tzinfo=FOREVER.tzinfo), 0
        for since, until, run_id in sorted(spans):
            if since < latest:
                yield run_id, f"it began at {since}, while run {by} of user {user_id} was active until {latest}"
            latest, by = max((latest, by), (until, run_id))


def terminal_run_is_complete(history: History) -> Findings:
    """Every terminal run, and no active run, has a finished_at from its end.

    Of the terminal runs, exactly the finished ones have counts, and exactly those in error have an error message.
    """
    for run_id, run in history.runs.items():
        if run["status"] not in TERMINAL:
            if run["finished_at"] is not None:
                yield run_id, f"it is {run['status']}, but has a finished_at"
            continue
        timeline = history.timeline(run_id)
        if run["finished_at"] is None:
            yield run_id, f"it is {run['status']}, but has no finished_at"
        elif len(timeline) > 1 and not timeline[-2].at <= run["finished_at"] <= timeline[-1].at:
            yield run_id, f"its finished_at is {run['finished_at']}, but it ended at {timeline[-1].at}"
        if run["status"] == "error" and not (run["error_message"] or "").strip():
            yield run_id, "it is in error, but has no error message"
        if run["status"] != "error" and run["error_message"]:
            yield run_id, f"it is {run['status']}, but has an error message"
        written = {run[count] is not None for count in COUNTS}
        if written != {run["status"] == "finished"}:
            yield run_id, f"it is {run['status']}, but its counts are {[run[count] for count in COUNTS]}"


def actor_may_make_the_move(history: History) -> Findings:
    """Each move was made by an actor that may make it: no worker aborts, no user finishes, no SQL moves a run."""
    for event in history.events:
        if event.actor not in ACTORS[event.to_status]:
            yield event.run_id, f"it was moved to {event.to_status} by {event.actor}"


def started_at_matches_the_claim(history: History) -> Findings:
    """A claimed run has a started_at from the time of its claim; any other run has none."""
    for run_id, run in history.runs.items():
        claims = [event for event in history.timeline(run_id) if event.to_status == "initializing"]
        if bool(claims) != (run["started_at"] is not None):
            yield run_id, f"it has {len(claims)} claims, but its started_at is {run['started_at']}"
        elif claims and not run["created_at"] <= run["started_at"] <= claims[0].at:
            yield run_id, f"its started_at is {run['started_at']}, but it was claimed at {claims[0].at}"


def timeline_is_consistent(history: History) -> Findings:
    """The events are numbered 1, 2, 3 without a gap. They form a chain of legal moves in order of time."""
    for run_id, timeline in history.timelines.items():
        if [event.seq for event in timeline] != list(range(1, len(timeline) + 1)):
            yield run_id, f"its events are numbered {[event.seq for event in timeline]}"
        for event in timeline:
            if (event.from_status, event.to_status) not in LEGAL_MOVES:
                yield run_id, f"event {event.seq} is an illegal move from {event.from_status} to {event.to_status}"
        for before, event in pairwise([None, *timeline]):
            if event.from_status != (before.to_status if before else None):
                yield run_id, f"event {event.seq} starts from {event.from_status}, which was not the run's status"
            if before and event.at < before.at:
                yield run_id, f"event {event.seq} is dated before event {before.seq}"


def timeline_matches_the_status(history: History) -> Findings:
    """Every run has a timeline, and its last event leads to the status of the row."""
    for run_id, run in history.runs.items():
        timeline = history.timeline(run_id)
        if not timeline:
            yield run_id, "it has no timeline"
        elif timeline[-1].to_status != run["status"]:
            yield run_id, f"its status is {run['status']}, but its timeline ends with {timeline[-1].to_status}"
        elif run["created_at"] > timeline[0].at:
            yield run_id, f"its created_at is {run['created_at']}, but its timeline begins at {timeline[0].at}"
    for run_id in set(history.timelines) - set(history.runs):
        yield run_id, "it has a timeline, but no row"


def one_claim_per_run(history: History) -> Findings:
    """No run is claimed twice."""
    for run_id, timeline in history.timelines.items():
        claims = sum(event.to_status == "initializing" for event in timeline)
        if claims > 1:
            yield run_id, f"it was claimed {claims} times"


def shown_status_was_true(history: History) -> Findings:
    """A status that a client was shown was the run's status at some time during the request."""
    for entry in history.of_kind("seen"):
        if entry.run_id is None:
            continue
        run = history.runs.get(entry.run_id)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was shown a run that they do not have"
            continue
        spans = [span for span in history.spans(entry.run_id) if span.overlaps(entry)]
        if entry.status is None and not any(span.status not in TERMINAL for span in spans):
            yield entry.run_id, f"/current-run named it between {entry.began} and {entry.ended}, but it was not active"
        elif entry.status is not None and entry.status not in {span.status for span in spans}:
            was = ", ".join(span.status for span in spans) or "not created yet"
            yield entry.run_id, f"it was shown as {entry.status} between {entry.began} and {entry.ended}, but was {was}"


def active_run_is_never_hidden(history: History) -> Findings:
    """If /current-run answered null, the user had no active run at some time during the request."""
    surely: dict[int, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for run_id, timeline in history.timelines.items():
        if run_id in history.runs:
            end = timeline[-1].at if timeline[-1].to_status in TERMINAL else FOREVER
            surely[history.runs[run_id]["user_id"]].append((history.visible_since(run_id, 0), end, run_id))
    for entry in history.of_kind("seen"):
        if entry.run_id is None:
            for since, until, run_id in surely[entry.user_id]:
                if since < entry.began and entry.ended < until:
                    yield run_id, f"/current-run answered null from {entry.began} to {entry.ended}, while it was active"


def refused_start_names_an_active_run(history: History) -> Findings:
    """A start answered 409 names a run of this user that was active at some time during the request."""
    for entry in history.of_kind("refused"):
        run = history.runs.get(entry.run_id or 0)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"the start of user {entry.user_id} was refused because of a run that they do not have"
        elif not any(span.overlaps(entry) and span.status not in TERMINAL for span in history.spans(entry.run_id)):
            yield entry.run_id, f"a start was refused because of it at {entry.ended}, but it was not active"


def refused_abort_names_the_final_status(history: History) -> Findings:
    """An abort answered 409 names the run's terminal status, which is not aborted."""
    for entry in history.of_kind("abort_refused"):
        run, timeline = history.runs.get(entry.run_id or 0), history.timeline(entry.run_id)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was shown {entry.status} for a run that they do not have"
        elif entry.status not in ("finished", "error") or run["status"] != entry.status:
            yield entry.run_id, f"its abort was refused because it is {entry.status}, but its status is {run['status']}"
        elif not timeline or timeline[-1].at > entry.ended:
            yield entry.run_id, f"its abort was refused at {entry.ended}, before its end"


def one_run_per_key(history: History) -> Findings:
    """All starts of a user with the same key got the same run, which has that key. At most one was answered 201."""
    named: dict[tuple[int, str], list[LogEntry]] = defaultdict(list)
    for entry in history.of_kind("started", "replayed"):
        if entry.key is not None:
            named[entry.user_id, entry.key].append(entry)
    for (user_id, key), entries in named.items():
        ids = sorted({entry.run_id or 0 for entry in entries})
        if len(ids) > 1 or sum(entry.kind == "started" for entry in entries) > 1:
            yield ids[0], f"key {key!r} of user {user_id} got runs {ids}, {[entry.kind for entry in entries]}"
        if any(history.runs[each].get("idempotency_key", key) != key for each in ids if each in history.runs):
            yield ids[0], f"it was the answer for key {key!r}, but has another key"
    carried = Counter((run["user_id"], run.get("idempotency_key")) for run in history.runs.values())
    for (user_id, key), number in carried.items():
        if key is not None and number > 1:
            yield None, f"{number} runs of user {user_id} have the key {key!r}"


def publication_is_consistent(history: History) -> Findings:
    """dispatched_at and dispatch_count agree, and no message was received before its run existed."""
    for run_id, run in history.runs.items():
        if (run["dispatch_count"] > 0) != (run["dispatched_at"] is not None):
            yield run_id, f"its dispatch_count is {run['dispatch_count']}, its dispatched_at is {run['dispatched_at']}"
        elif run["dispatched_at"] is not None and run["dispatched_at"] < run["created_at"]:
            yield run_id, "its dispatched_at is before its created_at"
    for entry in history.of_kind("received"):
        timeline = history.timeline(entry.run_id)
        if entry.run_id not in history.runs:
            yield entry.run_id, "a worker received its message, but the run does not exist"
        elif timeline and timeline[0].at > entry.ended:
            yield entry.run_id, f"its message was received at {entry.ended}, before the run existed"


def received_in_time(history: History, max_wait: timedelta) -> Findings:
    """Every run was received, claimed or ended within ``max_wait``, not counting outages."""
    receipts = {run_id: min(entry.began for entry in entries if entry.kind == "received")
                for run_id, entries in history.by_run.items() if any(entry.kind == "received" for entry in entries)}
    for run_id, run in history.runs.items():
        left = [event.at for event in history.timeline(run_id)[1:2]]
        received = min([*left, receipts.get(run_id, history.read_at), history.read_at])
        waited = received - run["created_at"] - history.outage_time(run["created_at"], received)
        if waited > max_wait:
            state = "was received" if left or run_id in receipts else "was not received"
            limit = f"at most {max_wait.total_seconds():g} s are allowed"
            yield run_id, f"it {state} after {waited.total_seconds():.1f} s; {limit}"


RULES: dict[str, Callable[[History], Findings]] = {
    rule.__name__: rule
    for rule in (
        acknowledged_start_exists,
        one_created_answer_per_run,
        every_run_has_a_start,
        acknowledged_abort_is_final,
        terminal_status_is_final,
        one_active_run_per_user,
        terminal_run_is_complete,
        actor_may_make_the_move,
        started_at_matches_the_claim,
        timeline_is_consistent,
        timeline_matches_the_status,
        one_claim_per_run,
        shown_status_was_true,
        active_run_is_never_hidden,
        refused_start_names_an_active_run,
        refused_abort_names_the_final_status,
        one_run_per_key,
        publication_is_consistent,
    )
}


def violations(
    history: History, max_wait_seconds: float | None = None, outages: list[Interval] | None = None
) -> list[Violation]:
    """Return every violation in a history.

    ``max_wait_seconds`` limits how long a run may wait for a worker; None sets no limit. Nothing can be published or
    committed during ``outages``, so their time does not count.
    """
    history = History(
        history.runs, history.events, history.entries, history.read_at, history.complete, _merge(outages or [])
    )
    found = [Violation(name, *each) for name, rule in RULES.items() for each in rule(history)]
    if max_wait_seconds is not None:
        late = received_in_time(history, timedelta(seconds=max_wait_seconds))
        found += [Violation(received_in_time.__name__, *each) for each in late]
    return found


def _active_spans(history: History) -> dict[int, list[tuple[datetime, datetime, int]]]:
    """Return by user the time during which each of their runs was active: since, until, run id."""
    found: dict[int, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for run_id, timeline in history.timelines.items():
        if run_id in history.runs:
            end = timeline[-1].at if timeline[-1].to_status in TERMINAL else FOREVER
            found[history.runs[run_id]["user_id"]].append((timeline[0].at, end, run_id))
    return found


def _merge(intervals: list[Interval]) -> list[Interval]:
    """Merge overlapping intervals."""
    merged: list[Interval] = []
    for since, until in sorted(intervals):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged
