"""The oracle itself: silent on what really happens, and each of its rules fires on a history that breaks it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest

from app.config.validators import connect_arguments
from app.services.runs import outbox, queries, start, transitions
from tests.faults.history_checker import RULES, ClientLog, Event, History, LogEntry, now, violations
from tests.support.factories import make_run, make_user

BEGIN = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
BOUND = 60.0


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def make(run_id: int, user_id: int, since: float, *moves: tuple[float, str, str], **more: Any) -> tuple[dict, list]:
    """A run that began at that second and made these moves, and its events: what the product would have written."""
    events = [Event(run_id, 1, at(since), None, "pending", "user")]
    run = {
        "id": run_id, "user_id": user_id, "status": "pending", "created_at": at(since - 0.1), "started_at": None,
        "finished_at": None, "error_message": None, "dispatch_count": 1, "dispatched_at": at(since + 0.1),
        "idempotency_key": None, "jobs_ready": None, "jobs_skipped": None, "jobs_expired": None, "jobs_failed": None,
    }
    for second, to, actor in moves:
        events.append(Event(run_id, len(events) + 1, at(second), run["status"], to, actor))
        run["status"] = to
        if to == "initializing":
            run["started_at"] = at(second)
        if to in ("finished", "error", "aborted"):
            run["finished_at"] = at(second)
        if to == "finished":
            run |= {"jobs_ready": 1, "jobs_skipped": 0, "jobs_expired": 0, "jobs_failed": 0}
        if to == "error":
            run["error_message"] = "The board vanished."
    return run | more, events


def entry(kind: str, began: float, ended: float, run_id: int | None = None, status: str | None = None,
          key: str | None = None, user_id: int = 1) -> LogEntry:
    return LogEntry(at(began), at(ended), user_id, kind, run_id, status, key)


def sound() -> History:
    """Two users; of one a run that finished, one that was aborted, one in error, and one that is active."""
    work = ((1, "initializing", "worker"), (2, "ingesting", "worker"))
    made = [
        make(1, 1, 0, *work, (10, "finished", "worker"), idempotency_key="a"),
        make(2, 1, 20, (22, "aborted", "user")),
        make(3, 1, 30, (31, "error", "rescue")),
        make(4, 1, 40, (41, "initializing", "worker")),
        make(5, 2, 5, dispatch_count=0, dispatched_at=None),
    ]
    entries = [
        entry("started", -0.2, 0.3, 1, key="a"),
        entry("replayed", 3, 4, 1, key="a"),
        entry("received", 0.5, 0.5, 1),
        entry("refused", 5, 6, 1),
        entry("seen", 9.5, 10.5, 1, "ingesting"),
        entry("seen", 9.5, 10.5, 1, "finished"),
        entry("seen", 9.5, 10.5, 1),
        entry("abort_refused", 11, 12, 1, "finished"),
        entry("seen", 13, 14),
        entry("started", 19, 21, 2),
        entry("aborted", 21, 22.2, 2),
        entry("aborted", 23, 24, 2),
        entry("lost", 29, 32),
        entry("started", 39, 42, 4),
        entry("seen", 43, 44, 4, "initializing"),
        entry("started", 4, 6, 5, user_id=2),
        entry("received", 50, 50, 5, user_id=2),
    ]
    events = [event for _, timeline in made for event in timeline]
    return History({run["id"]: run for run, _ in made}, events, entries, at(60), complete=True)


Change = Callable[[History], Any]


def saying(*words: Any, **more: Any) -> Change:
    """One more entry."""
    return lambda history: history.entries.append(entry(*words, **more))


def setting(run_id: int, **columns: Any) -> Change:
    """The row says something else."""
    return lambda history: history.runs[run_id].update(columns)


def event(run_id: int, seq: int, /, **fields: Any) -> Change:
    """An event says something else."""

    def change(history: History) -> None:
        [place] = [n for n, each in enumerate(history.events) if (each.run_id, each.seq) == (run_id, seq)]
        history.events[place] = replace(history.events[place], **fields)

    return change


def more(run_id: int, seq: int, second: float, before: str | None, to: str, actor: str = "worker") -> Change:
    """One more event."""
    return lambda history: history.events.append(Event(run_id, seq, at(second), before, to, actor))


def gone(run_id: int) -> Change:
    """The row is not there."""
    return lambda history: history.runs.pop(run_id)


BROKEN: list[tuple[str, int | None, Change]] = [
    ("acknowledged_start_exists", 99, saying("started", 1, 2, 99)),
    ("acknowledged_start_exists", 5, saying("replayed", 50, 51, 5)),
    ("acknowledged_start_exists", 4, saying("started", 38, 39, 4)),
    ("acknowledged_start_exists", 1, saying("started", 15, 16, 1)),
    ("one_created_answer_per_run", 2, saying("started", 19, 21, 2)),
    ("every_run_has_a_start", 5, lambda history: history.entries.remove(entry("started", 4, 6, 5, user_id=2))),
    ("every_run_has_a_start", 3, lambda history: history.entries.remove(entry("lost", 29, 32))),
    ("acknowledged_abort_is_final", 1, saying("aborted", 11, 12, 1)),
    ("acknowledged_abort_is_final", 4, saying("aborted", 43, 44, 4)),
    ("acknowledged_abort_is_final", 99, saying("aborted", 43, 44, 99)),
    ("acknowledged_abort_is_final", 2, saying("aborted", 20, 21, 2)),
    ("acknowledged_abort_is_final", 2, saying("aborted", 23, 24, 2, user_id=2)),
    ("terminal_status_is_final", 2, more(2, 3, 23, "aborted", "finished")),
    ("one_active_run_per_user", 2, event(2, 1, at=at(9.9))),
    ("one_active_run_per_user", 5, setting(5, user_id=1)),
    ("terminal_run_is_complete", 1, setting(1, finished_at=None)),
    ("terminal_run_is_complete", 1, setting(1, finished_at=at(1.5))),
    ("terminal_run_is_complete", 1, setting(1, finished_at=at(11))),
    ("terminal_run_is_complete", 4, setting(4, finished_at=at(41))),
    ("terminal_run_is_complete", 3, setting(3, error_message=None)),
    ("terminal_run_is_complete", 3, setting(3, error_message=" ")),
    ("terminal_run_is_complete", 2, setting(2, error_message="late")),
    ("terminal_run_is_complete", 1, setting(1, jobs_failed=None)),
    ("terminal_run_is_complete", 2, setting(2, jobs_ready=0)),
    ("actor_may_make_the_move", 2, event(2, 2, actor="worker")),
    ("actor_may_make_the_move", 1, event(1, 4, actor="sql:app")),
    ("started_at_matches_the_claim", 4, setting(4, started_at=None)),
    ("started_at_matches_the_claim", 4, setting(4, started_at=at(42))),
    ("started_at_matches_the_claim", 2, setting(2, started_at=at(21))),
    ("timeline_is_consistent", 1, event(1, 4, seq=5)),
    ("timeline_is_consistent", 1, event(1, 3, at=at(0.5))),
    ("timeline_is_consistent", 4, event(4, 2, to_status="finished")),
    ("timeline_is_consistent", 1, event(1, 3, from_status="pending")),
    ("timeline_is_consistent", 5, event(5, 1, to_status="initializing")),
    ("timeline_matches_the_status", 4, setting(4, status="ingesting")),
    ("timeline_matches_the_status", 3, gone(3)),
    ("timeline_matches_the_status", 5, lambda history: history.events.pop()),
    ("timeline_matches_the_status", 5, setting(5, created_at=at(5.1))),
    ("one_claim_per_run", 4, more(4, 3, 42, "initializing", "initializing")),
    ("shown_status_was_true", 1, saying("seen", 11, 12, 1, "ingesting")),
    ("shown_status_was_true", 4, saying("seen", 39.5, 40.5, 4, "initializing")),
    ("shown_status_was_true", 4, saying("seen", 46, 47, 4, "pending")),
    ("shown_status_was_true", 1, saying("seen", 11, 12, 1)),
    ("shown_status_was_true", 99, saying("seen", 11, 12, 99)),
    ("shown_status_was_true", 1, saying("seen", 1.2, 1.4, 1, "initializing", user_id=2)),
    ("active_run_is_never_hidden", 4, saying("seen", 45, 46)),
    ("active_run_is_never_hidden", 1, saying("seen", 8, 9)),
    ("refused_start_names_an_active_run", 1, saying("refused", 12, 13, 1)),
    ("refused_start_names_an_active_run", 5, saying("refused", 12, 13, 5)),
    ("refused_start_names_an_active_run", 4, saying("refused", 38, 39, 4)),
    ("refused_abort_names_the_final_status", 1, saying("abort_refused", 11, 12, 1, "error")),
    ("refused_abort_names_the_final_status", 2, saying("abort_refused", 23, 24, 2, "aborted")),
    ("refused_abort_names_the_final_status", 4, saying("abort_refused", 43, 44, 4, "finished")),
    ("refused_abort_names_the_final_status", 1, saying("abort_refused", 8, 9, 1, "finished")),
    ("refused_abort_names_the_final_status", 1, saying("abort_refused", 11, 12, 1, "finished", user_id=2)),
    ("one_run_per_key", 1, saying("replayed", 23, 24, 2, key="a")),
    ("one_run_per_key", 2, saying("replayed", 23, 24, 2, key="b")),
    ("one_run_per_key", None, setting(2, idempotency_key="a")),
    ("publication_is_consistent", 5, setting(5, dispatched_at=at(6))),
    ("publication_is_consistent", 5, setting(5, dispatch_count=1)),
    ("publication_is_consistent", 4, setting(4, dispatched_at=at(39))),
    ("publication_is_consistent", 4, saying("received", 39, 39, 4)),
    ("publication_is_consistent", 99, saying("received", 39, 39, 99)),
    ("received_in_time", 5, lambda history: history.entries.pop()),
    ("received_in_time", 5, setting(5, created_at=at(-11))),
]


def judged(history: History, **more: Any) -> set[tuple[str, int | None]]:
    return {(found.rule, found.run_id) for found in violations(history, **more)}


def test_a_sound_history_is_found_sound():
    assert violations(sound(), BOUND) == []


@pytest.mark.parametrize(("rule", "run_id", "change"), BROKEN, ids=[f"{n}-{each[0]}" for n, each in enumerate(BROKEN)])
def test_a_rule_fires_on_what_breaks_it(rule, run_id, change):
    history = sound()
    if rule == "received_in_time":
        history.read_at = at(66)
    change(history)
    assert (rule, run_id) in judged(history, bound_seconds=BOUND)


def test_every_rule_is_seen_to_fire():
    assert {rule for rule, _, _ in BROKEN} == {*RULES, "received_in_time"}


def test_a_run_may_wait_as_long_as_an_outage_lasts_and_the_bound():
    history = sound()
    history.entries.pop()
    history.read_at = at(100)
    assert judged(history, bound_seconds=BOUND) == {("received_in_time", 5)}
    assert judged(history, bound_seconds=BOUND, outages=[(at(10), at(30)), (at(20), at(50))]) == set()
    assert judged(history, bound_seconds=BOUND, outages=[(at(10), at(30)), (at(20), at(44))]) != set()


def test_what_nobody_answered_for_may_be_seen_late_but_not_for_ever():
    """An event is dated before its commit; only an answer tells that by then everybody had to see it."""
    late = sound()
    late.entries.append(entry("seen", 32, 33, 3, "pending"))
    assert judged(late) == set()
    late.entries.append(entry("seen", 31.5, 31.8, 3, "error"))
    assert judged(late) == {("shown_status_was_true", 3)}
    later = sound()
    later.entries.append(entry("seen", 45, 46, 3, "pending"))
    assert judged(later) == {("shown_status_was_true", 3)}
    assert judged(later, outages=[(at(33), at(40))]) == set()


@pytest.fixture
def connection(app, settings) -> Iterator[psycopg.Connection]:
    """One to the suite's database, in no transaction."""
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as connection:
        yield connection


def test_what_the_services_do_is_sound(app, connection):
    log = ClientLog(complete=True)
    user_id = make_user()
    for end in (transitions.abort, transitions.finish, lambda run_id: transitions.fail(run_id, "The board vanished.")):
        began = now()
        run_id, _ = start.create_run(user_id)
        log.record("started", user_id, began, run_id)
        outbox.mark_published(run_id)
        transitions.claim(run_id)
        transitions.advance(run_id, 3)
        end(run_id)
        began = now()
        log.record("seen", user_id, began, run_id, queries.get(run_id).status)
        began = now()
        assert queries.current(user_id) is None
        log.record("seen", user_id, began)
    assert violations(History.read(connection, log), bound_seconds=600) == []


def test_what_is_typed_into_the_database_is_noticed(app, connection):
    run_id = make_run("ingesting")
    found = violations(History.read(connection, ClientLog(complete=True)))
    assert {each.run_id for each in found} == {run_id}
    assert {"actor_may_make_the_move", "timeline_is_consistent"} <= {each.rule for each in found}
