"""The oracle of all drills: what must hold of any history whatever was killed, frozen or lost meanwhile.

It knows the rules from the promises, not from the code under test, of which nothing is imported here.
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
    """A rule that was broken, by which run, and how."""

    rule: str
    run_id: int | None
    sentence: str


def acknowledged_start_exists(history: History) -> Findings:
    """Whoever was told 201 or 200 has that run, and it began while he waited (or before, if it was replayed)."""
    for entry in history.of("started", "replayed"):
        run = history.runs.get(entry.run_id or 0)
        if run is None:
            yield entry.run_id, f"{entry.kind} was answered at {entry.ended}, and there is no such run"
        elif run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was told of a run of user {run['user_id']}"
        elif history.timeline(entry.run_id):
            began = history.timeline(entry.run_id)[0].at
            if began > entry.ended or (entry.kind == "started" and began < entry.began):
                yield entry.run_id, f"{entry.kind} was asked at {entry.began}, answered at {entry.ended}, begun at {began}"


def one_created_answer_per_run(history: History) -> Findings:
    """No two starts were told 201 with the same run."""
    for run_id, number in Counter(entry.run_id for entry in history.of("started")).items():
        if number > 1:
            yield run_id, f"{number} starts were answered 201 with it"


def every_run_has_a_start(history: History) -> Findings:
    """Where every start is in the log: each run is one of those, or of a start of its user whose answer was lost."""
    if not history.complete:
        return
    known = {entry.run_id for entry in history.of("started", "replayed")}
    for run_id in history.runs.keys() - known:
        owner = history.runs[run_id]["user_id"]
        began = history.timeline(run_id)[0].at if history.timeline(run_id) else FOREVER
        if not any(entry.user_id == owner and entry.began <= began for entry in history.of("lost")):
            yield run_id, "nobody started it"


def acknowledged_abort_is_final(history: History) -> Findings:
    """Whoever was told that his run is aborted has an aborted run, from that moment on and for ever."""
    for entry in history.of("aborted"):
        run, timeline = history.runs.get(entry.run_id or 0), history.timeline(entry.run_id)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was told that it is aborted, and has no such run"
        elif run["status"] != "aborted":
            yield entry.run_id, f"its abort was acknowledged at {entry.ended}, and it is {run['status']}"
        elif not timeline or timeline[-1].to_status != "aborted" or timeline[-1].at > entry.ended:
            yield entry.run_id, f"its abort was acknowledged at {entry.ended}, and its timeline does not say so"


def terminal_status_is_final(history: History) -> Findings:
    """Nothing comes after an end."""
    for run_id, timeline in history.timelines.items():
        for event, after in pairwise(timeline):
            if event.to_status in TERMINAL:
                yield run_id, f"event {after.seq} ({after.to_status}) comes after its end ({event.to_status})"


def one_active_run_per_user(history: History) -> Findings:
    """Of two runs of a user, one had ended before the other began."""
    for user_id, spans in _active_spans(history).items():
        latest, by = datetime.min.replace(tzinfo=FOREVER.tzinfo), 0
        for since, until, run_id in sorted(spans):
            if since < latest:
                yield run_id, f"it began at {since}, and run {by} of user {user_id} was active until {latest}"
            latest, by = max((latest, by), (until, run_id))


def terminal_run_is_complete(history: History) -> Findings:
    """A finished_at from the moment of its end, and: counts, an error message, or who aborted it."""
    for run_id, run in history.runs.items():
        if run["status"] not in TERMINAL:
            if run["finished_at"] is not None:
                yield run_id, f"it is {run['status']} and has a finished_at"
            continue
        timeline = history.timeline(run_id)
        if run["finished_at"] is None:
            yield run_id, f"it is {run['status']} and has no finished_at"
        elif len(timeline) > 1 and not timeline[-2].at <= run["finished_at"] <= timeline[-1].at:
            yield run_id, f"its finished_at {run['finished_at']} is not from when it ended, {timeline[-1].at}"
        if run["status"] == "error" and not (run["error_message"] or "").strip():
            yield run_id, "it is in error and does not say why"
        if run["status"] != "error" and run["error_message"]:
            yield run_id, f"it is {run['status']} and has an error message"
        written = {run[count] is not None for count in COUNTS}
        if written != {run["status"] == "finished"}:
            yield run_id, f"it is {run['status']} and its counts are {[run[count] for count in COUNTS]}"


def actor_may_make_the_move(history: History) -> Findings:
    """Workers do not abort, users do not finish, and nobody types into the database."""
    for event in history.events:
        if event.actor not in ACTORS[event.to_status]:
            yield event.run_id, f"it was made {event.to_status} by {event.actor}"


def started_at_matches_the_claim(history: History) -> Findings:
    """A run has a started_at from the moment of its claim, or none of either."""
    for run_id, run in history.runs.items():
        claims = [event for event in history.timeline(run_id) if event.to_status == "initializing"]
        if bool(claims) != (run["started_at"] is not None):
            yield run_id, f"it has {len(claims)} claims and started_at {run['started_at']}"
        elif claims and not run["created_at"] <= run["started_at"] <= claims[0].at:
            yield run_id, f"its started_at {run['started_at']} is not from its claim, {claims[0].at}"


def timeline_is_consistent(history: History) -> Findings:
    """Numbers 1, 2, 3 without a gap; each event begins where the one before ended; legal moves only; times in order."""
    for run_id, timeline in history.timelines.items():
        if [event.seq for event in timeline] != list(range(1, len(timeline) + 1)):
            yield run_id, f"its events have the numbers {[event.seq for event in timeline]}"
        for event in timeline:
            if (event.from_status, event.to_status) not in LEGAL_MOVES:
                yield run_id, f"event {event.seq} goes from {event.from_status} to {event.to_status}"
        for before, event in pairwise([None, *timeline]):
            if event.from_status != (before.to_status if before else None):
                yield run_id, f"event {event.seq} begins at {event.from_status}, where the run was not"
            if before and event.at < before.at:
                yield run_id, f"event {event.seq} is from before event {before.seq}"


def timeline_matches_the_status(history: History) -> Findings:
    """Every run has a timeline, and its last event leads to the row's status."""
    for run_id, run in history.runs.items():
        timeline = history.timeline(run_id)
        if not timeline:
            yield run_id, "it has no timeline"
        elif timeline[-1].to_status != run["status"]:
            yield run_id, f"it is {run['status']}, and its timeline ends with {timeline[-1].to_status}"
        elif run["created_at"] > timeline[0].at:
            yield run_id, f"it says it was created at {run['created_at']}, and its timeline begins at {timeline[0].at}"
    for run_id in set(history.timelines) - set(history.runs):
        yield run_id, "there is a timeline of it, and no run"


def one_claim_per_run(history: History) -> Findings:
    """No run is worked on twice."""
    for run_id, timeline in history.timelines.items():
        claims = sum(event.to_status == "initializing" for event in timeline)
        if claims > 1:
            yield run_id, f"it was claimed {claims} times"


def shown_status_was_true(history: History) -> Findings:
    """Whatever status a client was shown, the run had it at some moment while the client waited."""
    for entry in history.of("seen"):
        if entry.run_id is None:
            continue
        run = history.runs.get(entry.run_id)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was shown it, and has no such run"
            continue
        spans = [span for span in history.spans(entry.run_id) if span.meets(entry)]
        if entry.status is None and not any(span.status not in TERMINAL for span in spans):
            yield entry.run_id, f"/current-run named it between {entry.began} and {entry.ended}, when it was not active"
        elif entry.status is not None and entry.status not in {span.status for span in spans}:
            was = ", ".join(span.status for span in spans) or "not there"
            yield entry.run_id, f"it was shown as {entry.status} between {entry.began} and {entry.ended}, and was {was}"


def active_run_is_never_hidden(history: History) -> Findings:
    """Where /current-run said null, there was a moment without an active run while the client waited."""
    surely: dict[int, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for run_id, timeline in history.timelines.items():
        if run_id in history.runs:
            end = timeline[-1].at if timeline[-1].to_status in TERMINAL else FOREVER
            surely[history.runs[run_id]["user_id"]].append((history.seen_by(run_id, 0), end, run_id))
    for entry in history.of("seen"):
        if entry.run_id is None:
            for since, until, run_id in surely[entry.user_id]:
                if since < entry.began and entry.ended < until:
                    yield run_id, f"/current-run said null between {entry.began} and {entry.ended}, when it was active"


def refused_start_names_an_active_run(history: History) -> Findings:
    """A 409 of a start names a run of this user that was active at some moment while the client waited."""
    for entry in history.of("refused"):
        run = history.runs.get(entry.run_id or 0)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was refused because of it, and has no such run"
        elif not any(span.meets(entry) and span.status not in TERMINAL for span in history.spans(entry.run_id)):
            yield entry.run_id, f"it was said to be in the way between {entry.began} and {entry.ended}, and was not active"


def refused_abort_names_the_final_status(history: History) -> Findings:
    """A 409 of an abort names the run's true end, which is another one."""
    for entry in history.of("abort_refused"):
        run, timeline = history.runs.get(entry.run_id or 0), history.timeline(entry.run_id)
        if run is None or run["user_id"] != entry.user_id:
            yield entry.run_id, f"user {entry.user_id} was told that it is {entry.status}, and has no such run"
        elif entry.status not in ("finished", "error") or run["status"] != entry.status:
            yield entry.run_id, f"its abort was refused because it is {entry.status}, and it is {run['status']}"
        elif not timeline or timeline[-1].at > entry.ended:
            yield entry.run_id, f"its abort was refused at {entry.ended}, before its end"


def one_run_per_key(history: History) -> Findings:
    """All starts of a user with the same key got the same run, one of them as new; and it carries that key."""
    named: dict[tuple[int, str], list[LogEntry]] = defaultdict(list)
    for entry in history.of("started", "replayed"):
        if entry.key is not None:
            named[entry.user_id, entry.key].append(entry)
    for (user_id, key), entries in named.items():
        ids = sorted({entry.run_id or 0 for entry in entries})
        if len(ids) > 1 or sum(entry.kind == "started" for entry in entries) > 1:
            yield ids[0], f"key {key!r} of user {user_id} got runs {ids}, {[entry.kind for entry in entries]}"
        if any(history.runs[each].get("idempotency_key", key) != key for each in ids if each in history.runs):
            yield ids[0], f"it was answered to key {key!r} and carries another"
    carried = Counter((run["user_id"], run.get("idempotency_key")) for run in history.runs.values())
    for (user_id, key), number in carried.items():
        if key is not None and number > 1:
            yield None, f"{number} runs of user {user_id} carry key {key!r}"


def publication_is_consistent(history: History) -> Findings:
    """dispatched_at and the count go together, and no message was received before its run was there."""
    for run_id, run in history.runs.items():
        if (run["dispatch_count"] > 0) != (run["dispatched_at"] is not None):
            yield run_id, f"its dispatch_count is {run['dispatch_count']}, its dispatched_at {run['dispatched_at']}"
        elif run["dispatched_at"] is not None and run["dispatched_at"] < run["created_at"]:
            yield run_id, "it was dispatched before it was there"
    for entry in history.of("received"):
        timeline = history.timeline(entry.run_id)
        if entry.run_id not in history.runs:
            yield entry.run_id, "a worker received its message, and there is no such run"
        elif timeline and timeline[0].at > entry.ended:
            yield entry.run_id, f"its message was received at {entry.ended}, before it was there"


def received_in_time(history: History, bound: timedelta) -> Findings:
    """Every run was received or claimed, or had ended, within the bound; outages do not count."""
    receipts = {run_id: min(entry.began for entry in entries if entry.kind == "received")
                for run_id, entries in history.by_run.items() if any(entry.kind == "received" for entry in entries)}
    for run_id, run in history.runs.items():
        left = [event.at for event in history.timeline(run_id)[1:2]]
        handed = min([*left, receipts.get(run_id, history.read_at), history.read_at])
        waited = handed - run["created_at"] - history.pause(run["created_at"], handed)
        if waited > bound:
            state = "was handed over" if left or run_id in receipts else "is not handed over"
            yield run_id, f"it {state} after {waited.total_seconds():.1f} s; {bound.total_seconds():g} s are allowed"


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
    history: History, bound_seconds: float | None = None, outages: list[Interval] | None = None
) -> list[Violation]:
    """All that is wrong with a history.

    ``bound_seconds`` is how long a run may wait for a worker (None: as long as it likes); ``outages``, in which nothing
    could be handed over or committed, do not count.
    """
    history = History(
        history.runs, history.events, history.entries, history.read_at, history.complete, _merge(outages or [])
    )
    found = [Violation(name, *each) for name, rule in RULES.items() for each in rule(history)]
    if bound_seconds is not None:
        late = received_in_time(history, timedelta(seconds=bound_seconds))
        found += [Violation(received_in_time.__name__, *each) for each in late]
    return found


def _active_spans(history: History) -> dict[int, list[tuple[datetime, datetime, int]]]:
    """By user: from when to when each of his runs was active."""
    found: dict[int, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for run_id, timeline in history.timelines.items():
        if run_id in history.runs:
            end = timeline[-1].at if timeline[-1].to_status in TERMINAL else FOREVER
            found[history.runs[run_id]["user_id"]].append((timeline[0].at, end, run_id))
    return found


def _merge(stretches: list[Interval]) -> list[Interval]:
    """The same without overlaps."""
    joined: list[Interval] = []
    for since, until in sorted(stretches):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((since, until))
    return joined
