"""Ways to break the product in a single place, of which the model check must find every one."""

import ast
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.faults.rewriting import Rewrite, rewrite_once


class Evidence(StrEnum):
    """The sign that the check must find of a mutant."""

    FAULT = "the database refuses, so the tables stay sound"
    TABLES = "nothing refuses, so the history checker reports it"
    ANY = "an answer, a table or a message is wrong"


@dataclass(frozen=True)
class Mutant:
    """Changes of the code and of the database, and what they let happen; each of the scenarios must find it."""

    why: str
    rewrites: tuple[Rewrite, ...] = ()
    statement: str | None = None
    scenarios: tuple[str, ...] = ("keys",)
    evidence: Evidence = Evidence.ANY


def _code(why: str, *rewrites: Rewrite, **more: Any) -> Mutant:
    return Mutant(why, rewrites, **more)


def _database(why: str, statement: str, **more: Any) -> Mutant:
    return Mutant(why, statement=statement, **more)


NO_TRIGGER = "DROP TRIGGER ingestion_runs_move ON ingestion_runs"
FINISHED_MAY_BE_LEFT = (
    "CREATE OR REPLACE TRIGGER ingestion_runs_move BEFORE UPDATE ON ingestion_runs FOR EACH ROW"
    " WHEN (OLD.status IS DISTINCT FROM NEW.status AND OLD.status <> 'finished') EXECUTE FUNCTION ingestion_runs_move()"
)
NUMBERED_ACROSS_RUNS = """
CREATE FUNCTION renumber() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.seq := (SELECT coalesce(max(seq), 0) + 1 FROM run_events); RETURN NEW; END $$;
CREATE TRIGGER renumber BEFORE INSERT ON run_events FOR EACH ROW EXECUTE FUNCTION renumber()
"""
PUBLISH_NEXT_ID = """
from flask import current_app
from sqlalchemy import text
with current_app.extensions["sqlalchemy"].engine.connect() as connection:
    _run_id = connection.execute(text("SELECT last_value + is_called::int FROM ingestion_runs_id_seq")).scalar_one()
_publish(_run_id)
"""

UNGUARDED = Rewrite("_.c.status.in_(_)", inside="update(_)")
READ_FIRST = Rewrite(
    "if not _move:\n    raise _error(_run_id, _run.status, _to)",
    "if _run.status not in _to.sources:\n    raise _error(_run_id, _run.status, _to)\n_move",
)
SOURCES = "{PENDING: _0, INITIALIZING: _1, INGESTING: _2, FINISHED: _3, ERROR: _4, ABORTED:"
STARTED = "_run_id, _is_new = _start(_user_id, _preview_id, _key)"
PUBLISHED = "if _is_new:\n    _publish(_run_id)"
START_COLUMNS = '["user_id", "next_dispatch_at", ...]'
DUE = "_.c.status == _.PENDING"

MUTANTS: dict[str, Mutant] = {
    # --- moves
    "no guard": _code(
        "a run moves from anywhere", UNGUARDED, evidence=Evidence.FAULT,
        scenarios=("claim against abort", "finish against abort"),
    ),
    "the status is read, then written": _code(
        "an abort is overwritten", UNGUARDED, READ_FIRST, statement=NO_TRIGGER, evidence=Evidence.TABLES,
        scenarios=("finish against abort",),
    ),
    "a move from one status more": _code(
        "work is skipped", Rewrite("[INGESTING]", "[INITIALIZING, INGESTING]", inside="nonmember(_)"),
        evidence=Evidence.FAULT, scenarios=("initializing",),
    ),
    "a move from one status less": _code(
        "an abort is refused", Rewrite(f"{SOURCES} [_5, _6, _7]}}", f"{SOURCES} [_6, _7]}}"), scenarios=("pending",),
    ),
    "an end may be left": _code(
        "a finished run is aborted", Rewrite(f"{SOURCES} [_5, _6, _7]}}", f"{SOURCES} [_5, _6, _7, FINISHED]}}"),
        statement=FINISHED_MAY_BE_LEFT, evidence=Evidence.TABLES, scenarios=("after finish",),
    ),
    "no trigger": _database("psql moves a run from anywhere", NO_TRIGGER),
    "an end needs no time": _database(
        "a run ended, and nobody knows when",
        "ALTER TABLE ingestion_runs DROP CONSTRAINT ck_ingestion_runs_finished_at_iff_terminal",
    ),
    # --- starts
    "no unique index": _database(
        "simultaneous starts make two active runs", "DROP INDEX uq_ingestion_runs_one_active_per_user",
        evidence=Evidence.TABLES, scenarios=("starts at once",),
    ),
    "no NOT EXISTS": _code("each refused start takes an id", Rewrite("~_.exists()", inside=START_COLUMNS)),
    "no ON CONFLICT": _code(
        "of simultaneous starts one ends in a fault",
        Rewrite("_row.on_conflict_do_nothing()", "_row", inside=START_COLUMNS),
        evidence=Evidence.FAULT, scenarios=("starts at once",),
    ),
    "a start is not tried again": _code(
        "a start fails because the run in its way has just ended",
        Rewrite("range(_)", "range(1)", inside="if _refusal:\n    raise _refusal"),
        scenarios=("starts at once",),
    ),
    "ingesting is not active": _code(
        "the page loses sight of a run that is at work",
        Rewrite("nonmember([PENDING, INITIALIZING, INGESTING])", "nonmember([PENDING, INITIALIZING])"),
    ),
    "nothing is committed": _code(
        "a run is lost after its start was answered", Rewrite('"AUTOCOMMIT"', '"READ COMMITTED"'),
    ),
    # --- whose run it is
    "anybody's run": _code("a user sees somebody else's run", Rewrite("or_(_.is_(None), _.c.user_id == _)")),
    "anybody aborts": _code(
        "a user aborts somebody else's run",
        Rewrite("_abort(_run_id, _())", "_abort(_run_id)", inside='{"success": True, "message": _}'),
    ),
    "anybody's current run": _code(
        "a user is shown somebody else's run", Rewrite(
            "select(_run.c.id).where(_run.c.user_id == _, _active)", "select(_run.c.id).where(_active)",
            inside="_ = _",
        ),
    ),
    "keys are everybody's": _code(
        "a user gets somebody else's run", Rewrite("_.c.user_id == _", inside="_.request_fingerprint != _"),
    ),
    # --- keys
    "whatever the key was for": _code(
        "a start is answered with a run that was started from something else",
        Rewrite("_a.request_fingerprint != _b", "_a.request_fingerprint == _b"),
    ),
    "the key is looked for last": _code(
        "a start whose answer was lost is refused because of itself", Rewrite(
            "if _found:\n    return _run_id, False\nif _refusal:\n    raise _refusal",
            "if _refusal:\n    raise _refusal\nif _found:\n    return _run_id, False",
        ),
    ),
    "the key is ignored": _code(
        "a start is done twice", Rewrite("_(_.headers.get(_))", "None", inside='{"run_id": _}'),
    ),
    "two runs of a key": _database(
        "simultaneous starts with one key are two runs", "DROP INDEX uq_ingestion_runs_user_id_idempotency_key",
        scenarios=("starts at once",),
    ),
    "a replay is published": _code(
        "a run is published again", Rewrite(f"{STARTED}\n{PUBLISHED}", f"{STARTED}\n_publish(_run_id)"),
    ),
    "a replay is answered 201": _code(
        "a client takes an old run for a new one", Rewrite("201 if _ else 200", "201", inside='{"run_id": _}'),
    ),
    # --- publishing
    "published before the commit": _code(
        "a worker gets a message of a run that is not there",
        Rewrite(f"{STARTED}\n{PUBLISHED}", f"{PUBLISH_NEXT_ID}\n{STARTED}"),
    ),
    "never published": _code("every start waits for the reconciler", Rewrite(f"{STARTED}\n{PUBLISHED}", STARTED)),
    "noted before the publish": _code(
        "a crash between the two loses the message for a whole back-off", Rewrite(
            "__publish\n__success\ntry:\n    __note\nexcept _ as _:\n    ...", "__note\n__publish\n__success",
            inside="_.send_task",
        ),
    ),
    "what is at work is published": _code(
        "runs that have ended are published again", Rewrite(DUE, inside="_.with_for_update(skip_locked=True)"),
        scenarios=("handing over",),
    ),
    "what is not due is published": _code(
        "every pass publishes everything",
        Rewrite("_a.c.next_dispatch_at <= _b", "_a.c.next_dispatch_at >= _b", inside=DUE), scenarios=("handing over",),
    ),
    "taken is not taken": _code(
        "two reconcilers publish the same run", Rewrite(
            "update(_t).where(_where).values(next_dispatch_at=_)",
            "update(_t).where(_where).values(next_dispatch_at=_t.c.next_dispatch_at)", inside=DUE,
        ), scenarios=("handing over",),
    ),
    "a reconciler waits for a row": _code(
        "one that hangs stops all",
        Rewrite("_rows.with_for_update(skip_locked=True)", "_rows.with_for_update()", inside=DUE),
        scenarios=("handing over",),
    ),
    "the back-off does not grow": _code(
        "messages pile up while no worker is there",
        Rewrite("func.power(2, _n)", "func.power(1, _n)", inside="_.c.dispatch_count"), scenarios=("handing over",),
    ),
    "the least overdue first": _code(
        "one run waits for ever behind the others",
        Rewrite("sorted(_rows, key=_key)", "sorted(_rows, key=_key, reverse=True)", inside=DUE),
        scenarios=("handing over",),
    ),
    # --- what a run and its timeline tell
    "finished without counts": _code(
        "the counts change later", Rewrite("_(_.READY)", "None", inside="_(_.SKIPPED)"), evidence=Evidence.TABLES,
    ),
    "in error without a reason": _code(
        "nobody knows why", Rewrite('bindparam("reason")', "None"), evidence=Evidence.TABLES, scenarios=("after fail",),
    ),
    "everything is the user's doing": _code(
        "the audit trail lies",
        Rewrite('{"actor": _actor, "request_id": _id}', '{"actor": "user", "request_id": _id}'),
    ),
    "moves leave no event": _database(
        "the timeline does not say who aborted", "ALTER TABLE ingestion_runs DISABLE TRIGGER ingestion_runs_trace_move",
        scenarios=("pending",),
    ),
    "events are numbered across runs": _database("a timeline has gaps", NUMBERED_ACROSS_RUNS),
    "events can be typed": _database(
        "the timeline is anybody's to write", "ALTER TABLE run_events DISABLE TRIGGER run_events_append_only",
    ),
}


def break_code(trees: dict[Path, ast.Module], name: str | None) -> set[Path]:
    """Break these modules; return which were changed. Without a name none is."""
    return {rewrite_once(trees, rewrite) for rewrite in (MUTANTS[name].rewrites if name else ())}
