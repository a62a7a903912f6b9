"""The history checker accepts real histories, and each of its rules reports a history that breaks it."""

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
MAX_WAIT = 60.0


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def make(run_id: int, user_id: int, since: float, *moves: tuple[float, str, str], **more: Any) -> tuple[dict, list]:
    """Return the row and the events of a run that began at ``since`` and made these moves."""
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
    """Two users: one with a finished, an aborted, a failed and an active run, the other with a pending run."""
    work = ((1, "initializing", "worker"), (2, "ingesting", "worker"))
    runs = [
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
    events = [event for _, timeline in runs for event in timeline]
    return History({run["id"]: run for run, _ in runs}, events, entries, at(60), complete=True)


Change = Callable[[History], Any]


def add_entry(*words: Any, **more: Any) -> Change:
    """Add an entry to the client log."""
    return lambda history: history.entries.append(entry(*words, **more))


def set_columns(run_id: int, **columns: Any) -> Change:
    """Change columns of a run's row."""
    return lambda history: history.runs[run_id].update(columns)


def change_event(run_id: int, seq: int, /, **fields: Any) -> Change:
    """Change fields of an event."""

    def change(history: History) -> None:
        [place] = [n for n, each in enumerate(history.events) if (each.run_id, each.seq) == (run_id, seq)]
        history.events[place] = replace(history.events[place], **fields)

    return change


def add_event(run_id: int, seq: int, second: float, before: str | None, to: str, actor: str = "worker") -> Change:
    """Add an event to the timeline."""
    return lambda history: history.events.append(Event(run_id, seq, at(second), before, to, actor))


def delete_run(run_id: int) -> Change:
    """Delete a run's row."""
    return lambda history: history.runs.pop(run_id)


BROKEN: list[tuple[str, int | None, Change]] = [
    ("acknowledged_start_exists", 99, add_entry("started", 1, 2, 99)),
    ("acknowledged_start_exists", 5, add_entry("replayed", 50, 51, 5)),
    ("acknowledged_start_exists", 4, add_entry("started", 38, 39, 4)),
    ("acknowledged_start_exists", 1, add_entry("started", 15, 16, 1)),
    ("one_created_answer_per_run", 2, add_entry("started", 19, 21, 2)),
    ("every_run_has_a_start", 5, lambda history: history.entries.remove(entry("started", 4, 6, 5, user_id=2))),
    ("every_run_has_a_start", 3, lambda history: history.entries.remove(entry("lost", 29, 32))),
    ("acknowledged_abort_is_final", 1, add_entry("aborted", 11, 12, 1)),
    ("acknowledged_abort_is_final", 4, add_entry("aborted", 43, 44, 4)),
    ("acknowledged_abort_is_final", 99, add_entry("aborted", 43, 44, 99)),
    ("acknowledged_abort_is_final", 2, add_entry("aborted", 20, 21, 2)),
    ("acknowledged_abort_is_final", 2, add_entry("aborted", 23, 24, 2, user_id=2)),
    ("terminal_status_is_final", 2, add_event(2, 3, 23, "aborted", "finished")),
    ("one_active_run_per_user", 2, change_event(2, 1, at=at(9.9))),
    ("one_active_run_per_user", 5, set_columns(5, user_id=1)),
    ("terminal_run_is_complete", 1, set_columns(1, finished_at=None)),
    ("terminal_run_is_complete", 1, set_columns(1, finished_at=at(1.5))),
    ("terminal_run_is_complete", 1, set_columns(1, finished_at=at(11))),
    ("terminal_run_is_complete", 4, set_columns(4, finished_at=at(41))),
    ("terminal_run_is_complete", 3, set_columns(3, error_message=None)),
    ("terminal_run_is_complete", 3, set_columns(3, error_message=" ")),
    ("terminal_run_is_complete", 2, set_columns(2, error_message="late")),
    ("terminal_run_is_complete", 1, set_columns(1, jobs_failed=None)),
    ("terminal_run_is_complete", 2, set_columns(2, jobs_ready=0)),
    ("actor_may_make_the_move", 2, change_event(2, 2, actor="worker")),
    ("actor_may_make_the_move", 1, change_event(1, 4, actor="sql:app")),
    ("started_at_matches_the_claim", 4, set_columns(4, started_at=None)),
    ("started_at_matches_the_claim", 4, set_columns(4, started_at=at(42))),
    ("started_at_matches_the_claim", 2, set_columns(2, started_at=at(21))),
    ("timeline_is_consistent", 1, change_event(1, 4, seq=5)),
    ("timeline_is_consistent", 1, change_event(1, 3, at=at(0.5))),
    ("timeline_is_consistent", 4, change_event(4, 2, to_status="finished")),
    ("timeline_is_consistent", 1, change_event(1, 3, from_status="pending")),
    ("timeline_is_consistent", 5, change_event(5, 1, to_status="initializing")),
    ("timeline_matches_the_status", 4, set_columns(4, status="ingesting")),
    ("timeline_matches_the_status", 3, delete_run(3)),
    ("timeline_matches_the_status", 5, lambda history: history.events.pop()),
    ("timeline_matches_the_status", 5, set_columns(5, created_at=at(5.1))),
    ("one_claim_per_run", 4, add_event(4, 3, 42, "initializing", "initializing")),
    ("shown_status_was_true", 1, add_entry("seen", 11, 12, 1, "ingesting")),
    ("shown_status_was_true", 4, add_entry("seen", 39.5, 40.5, 4, "initializing")),
    ("shown_status_was_true", 4, add_entry("seen", 46, 47, 4, "pending")),
    ("shown_status_was_true", 1, add_entry("seen", 11, 12, 1)),
    ("shown_status_was_true", 99, add_entry("seen", 11, 12, 99)),
    ("shown_status_was_true", 1, add_entry("seen", 1.2, 1.4, 1, "initializing", user_id=2)),
    ("active_run_is_never_hidden", 4, add_entry("seen", 45, 46)),
    ("active_run_is_never_hidden", 1, add_entry("seen", 8, 9)),
    ("refused_start_names_an_active_run", 1, add_entry("refused", 12, 13, 1)),
    ("refused_start_names_an_active_run", 5, add_entry("refused", 12, 13, 5)),
    ("refused_start_names_an_active_run", 4, add_entry("refused", 38, 39, 4)),
    ("refused_abort_names_the_final_status", 1, add_entry("abort_refused", 11, 12, 1, "error")),
    ("refused_abort_names_the_final_status", 2, add_entry("abort_refused", 23, 24, 2, "aborted")),
    ("refused_abort_names_the_final_status", 4, add_entry("abort_refused", 43, 44, 4, "finished")),
    ("refused_abort_names_the_final_status", 1, add_entry("abort_refused", 8, 9, 1, "finished")),
    ("refused_abort_names_the_final_status", 1, add_entry("abort_refused", 11, 12, 1, "finished", user_id=2)),
    ("one_run_per_key", 1, add_entry("replayed", 23, 24, 2, key="a")),
    ("one_run_per_key", 2, add_entry("replayed", 23, 24, 2, key="b")),
    ("one_run_per_key", None, set_columns(2, idempotency_key="a")),
    ("publication_is_consistent", 5, set_columns(5, dispatched_at=at(6))),
    ("publication_is_consistent", 5, set_columns(5, dispatch_count=1)),
    ("publication_is_consistent", 4, set_columns(4, dispatched_at=at(39))),
    ("publication_is_consistent", 4, add_entry("received", 39, 39, 4)),
    ("publication_is_consistent", 99, add_entry("received", 39, 39, 99)),
    ("received_in_time", 5, lambda history: history.entries.pop()),
    ("received_in_time", 5, set_columns(5, created_at=at(-11))),
]


def broken_rules(history: History, **more: Any) -> set[tuple[str, int | None]]:
    return {(found.rule, found.run_id) for found in violations(history, **more)}


def test_violations_is_empty_for_a_sound_history():
    assert violations(sound(), MAX_WAIT) == []


@pytest.mark.parametrize(("rule", "run_id", "change"), BROKEN, ids=[f"{n}-{each[0]}" for n, each in enumerate(BROKEN)])
def test_rule_reports_a_history_that_breaks_it(rule, run_id, change):
    history = sound()
    if rule == "received_in_time":
        history.read_at = at(66)
    change(history)
    assert (rule, run_id) in broken_rules(history, max_wait_seconds=MAX_WAIT)


def test_rules_are_all_broken_by_some_history():
    assert {rule for rule, _, _ in BROKEN} == {*RULES, "received_in_time"}


def test_received_in_time_does_not_count_outages():
    history = sound()
    history.entries.pop()
    history.read_at = at(100)
    assert broken_rules(history, max_wait_seconds=MAX_WAIT) == {("received_in_time", 5)}
    assert broken_rules(history, max_wait_seconds=MAX_WAIT, outages=[(at(10), at(30)), (at(20), at(50))]) == set()
    assert broken_rules(history, max_wait_seconds=MAX_WAIT, outages=[(at(10), at(30)), (at(20), at(44))]) != set()


def test_shown_status_may_lag_behind_an_event_until_an_answer_proves_it():
    """An event is dated before its commit. Only an answer or MAX_COMMIT_TIME proves that every client must see it."""
    late = sound()
    late.entries.append(entry("seen", 32, 33, 3, "pending"))
    assert broken_rules(late) == set()
    late.entries.append(entry("seen", 31.5, 31.8, 3, "error"))
    assert broken_rules(late) == {("shown_status_was_true", 3)}
    later = sound()
    later.entries.append(entry("seen", 45, 46, 3, "pending"))
    assert broken_rules(later) == {("shown_status_was_true", 3)}
    assert broken_rules(later, outages=[(at(33), at(40))]) == set()


@pytest.fixture
def connection(app, settings) -> Iterator[psycopg.Connection]:
    """A connection to the suite's database, in no transaction."""
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as connection:
        yield connection


def test_violations_is_empty_for_runs_made_by_the_services(app, connection):
    log = ClientLog(complete=True)
    user_id = make_user()
    for end in (transitions.abort, transitions.finish, lambda run_id: transitions.fail(run_id, "The board vanished.")):
        began = now()
        run_id, _ = start.create_run(user_id)
        log.record("started", user_id, began, run_id)
        outbox.mark_published(run_id)
        transitions.claim(run_id)
        transitions.advance(run_id)
        end(run_id)
        began = now()
        log.record("seen", user_id, began, run_id, queries.get(run_id).status)
        began = now()
        assert queries.current(user_id) is None
        log.record("seen", user_id, began)
    assert violations(History.read(connection, log), max_wait_seconds=600) == []


def test_violations_reports_moves_typed_into_the_database(app, connection):
    run_id = make_run("ingesting")
    found = violations(History.read(connection, ClientLog(complete=True)))
    assert {each.run_id for each in found} == {run_id}
    assert {"actor_may_make_the_move", "timeline_is_consistent"} <= {each.rule for each in found}
