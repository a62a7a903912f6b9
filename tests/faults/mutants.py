"""The mutants: changes that break the product in one place. The model check must catch every one."""

import ast
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.faults.rewriting import Rewrite, rewrite_once


class Evidence(StrEnum):
    """The evidence by which the model check must catch a mutant."""

    FAULT = "the database refuses the statement, and the history stays sound"
    TABLES = "nothing refuses the statement, and the history checker reports a violation"
    ANY = "an answer, a table or a message differs from the model"


@dataclass(frozen=True)
class Mutant:
    """A change of code or schema, and its effect. Every scenario listed must catch it alone."""

    effect: str
    rewrites: tuple[Rewrite, ...] = ()
    statement: str | None = None
    scenarios: tuple[str, ...] = ("keys",)
    evidence: Evidence = Evidence.ANY


def _code(effect: str, *rewrites: Rewrite, **more: Any) -> Mutant:
    return Mutant(effect, rewrites, **more)


def _database(effect: str, statement: str, **more: Any) -> Mutant:
    return Mutant(effect, statement=statement, **more)


NO_TRIGGER = "DROP TRIGGER ingestion_runs_move ON ingestion_runs"
FINISHED_NOT_GUARDED = (
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

UNGUARDED = Rewrite("_t.c.status.in_(_(_.sources))", "_t.c.id.is_not(None)", inside="update(_)")
READ_FIRST = Rewrite(
    "if not _move:\n    _status = _run.status\n    ...\n    raise _error(_run_id, _status, _to)",
    "if _run.status not in _to.sources:\n    raise _error(_run_id, _run.status, _to)\n_move",
)
SOURCES = "{PENDING: _0, INITIALIZING: _1, INGESTING: _2, FINISHED: _3, ERROR: _4, ABORTED:"
STARTED = "_run_id, _is_new = _start(_user_id, _preview_id, _key)"
PUBLISHED = "if _is_new:\n    _publish(_run_id)"
START_COLUMNS = '["user_id", "created_at", "next_dispatch_at", ...]'
DUE = "or_(_, _)"

MUTANTS: dict[str, Mutant] = {
    # --- Moves
    "UPDATE without a status guard": _code(
        "a run moves from any status", UNGUARDED, evidence=Evidence.FAULT,
        scenarios=("claim against abort", "finish against abort"),
    ),
    "the status is read first, then written": _code(
        "a simultaneous abort is overwritten", UNGUARDED, READ_FIRST, statement=NO_TRIGGER, evidence=Evidence.TABLES,
        scenarios=("finish against abort",),
    ),
    "one legal move too many": _code(
        "a run skips a status", Rewrite("[INGESTING]", "[INITIALIZING, INGESTING]", inside="nonmember(_)"),
        evidence=Evidence.FAULT, scenarios=("initializing",),
    ),
    "one legal move too few": _code(
        "a legal abort is refused", Rewrite(f"{SOURCES} [_5, _6, _7]}}", f"{SOURCES} [_6, _7]}}"),
        scenarios=("pending",),
    ),
    "a terminal status can be left": _code(
        "a finished run is aborted", Rewrite(f"{SOURCES} [_5, _6, _7]}}", f"{SOURCES} [_5, _6, _7, FINISHED]}}"),
        statement=FINISHED_NOT_GUARDED, evidence=Evidence.TABLES, scenarios=("after finish",),
    ),
    "no trigger": _database("SQL typed by hand moves a run from any status", NO_TRIGGER),
    "no CHECK on finished_at": _database(
        "a run has ended without a finished_at",
        "ALTER TABLE ingestion_runs DROP CONSTRAINT ck_ingestion_runs_finished_at_iff_terminal",
    ),
    # --- Starts
    "no unique index": _database(
        "simultaneous starts create two active runs", "DROP INDEX uq_ingestion_runs_one_active_per_user",
        evidence=Evidence.TABLES, scenarios=("starts at once",),
    ),
    "no NOT EXISTS": _code("each refused start uses up an id", Rewrite("~_.exists()", inside=START_COLUMNS)),
    "no ON CONFLICT": _code(
        "one of two simultaneous starts is answered 500",
        Rewrite("_row.on_conflict_do_nothing()", "_row", inside=START_COLUMNS),
        evidence=Evidence.FAULT, scenarios=("starts at once",),
    ),
    "a start is not retried": _code(
        "a start fails because the active run has just ended",
        Rewrite("range(_)", "range(1)", inside="if _refusal:\n    raise _refusal"),
        scenarios=("starts at once",),
    ),
    "ingesting is not an active status": _code(
        "the page does not show a run that is still working",
        Rewrite("nonmember([PENDING, INITIALIZING, INGESTING])", "nonmember([PENDING, INITIALIZING])"),
    ),
    "nothing is committed": _code(
        "a run is lost after its start was answered 201", Rewrite('"AUTOCOMMIT"', '"READ COMMITTED"'),
    ),
    # --- Owners
    "runs are read without their owner": _code(
        "a user sees another user's run", Rewrite("or_(_.is_(None), _.c.user_id == _)", inside='bindparam("run_id")'),
    ),
    "runs are aborted without their owner": _code(
        "a user aborts another user's run",
        Rewrite("_abort(_run_id, _())", "_abort(_run_id)", inside='{"success": True, "message": _}'),
    ),
    "the current run is read without its owner": _code(
        "a user is shown another user's run", Rewrite(
            "select(_run.c.id).where(_run.c.user_id == _, IS_ACTIVE)", "select(_run.c.id).where(IS_ACTIVE)",
            inside="_ = _",
        ),
    ),
    "keys are shared by all users": _code(
        "a user gets another user's run", Rewrite("_.c.user_id == _", inside="_.request_fingerprint != _"),
    ),
    # --- Idempotency keys
    "the request fingerprint is compared the wrong way": _code(
        "a start is answered with the run of a different request",
        Rewrite("_a.request_fingerprint != _b", "_a.request_fingerprint == _b"),
    ),
    "the key is checked after the refusal": _code(
        "a retried start is refused because of its own run", Rewrite(
            "if _found:\n    return _run_id, False\nif _refusal:\n    raise _refusal",
            "if _refusal:\n    raise _refusal\nif _found:\n    return _run_id, False",
        ),
    ),
    "the key is ignored": _code(
        "a retried start creates a second run", Rewrite("return _(_.headers.get(_))", "return None"),
    ),
    "no unique index on the key": _database(
        "simultaneous starts with one key create two runs", "DROP INDEX uq_ingestion_runs_user_id_idempotency_key",
        scenarios=("starts at once",),
    ),
    "a replay is published": _code(
        "each replay publishes the run again", Rewrite(f"{STARTED}\n{PUBLISHED}", f"{STARTED}\n_publish(_run_id)"),
    ),
    "a replay is answered 201": _code(
        "a client mistakes an old run for a new one", Rewrite("201 if _ else 200", "201", inside='{"run_id": _}'),
    ),
    # --- Publishing
    "published before the commit": _code(
        "a worker receives a message before its run is committed",
        Rewrite(f"{STARTED}\n{PUBLISHED}", f"{PUBLISH_NEXT_ID}\n{STARTED}"),
    ),
    "never published": _code("every run waits for the reconciler", Rewrite(f"{STARTED}\n{PUBLISHED}", STARTED)),
    "marked as published before the publish": _code(
        "a crash between the two delays the message by a whole backoff", Rewrite(
            "__publish\n_report(_argument=True)\ntry:\n    __mark\nexcept _ as _:\n    ...",
            "__mark\n__publish\n_report(_argument=True)",
            inside="_.send_task",
        ),
    ),
    "runs of any status are published": _code(
        "ended runs are published again",
        Rewrite("_rows.where(_active, _due, or_(_, _))", "_rows.where(_due)"),
        scenarios=("publishing",),
    ),
    "due is compared the wrong way": _code(
        "every pass publishes the runs that are not due",
        Rewrite("_a.c.next_dispatch_at <= _b", "_a.c.next_dispatch_at >= _b", inside=DUE), scenarios=("publishing",),
    ),
    "a claim does not move the due time": _code(
        "two reconcilers publish the same run", Rewrite(
            "update(_t).where(_where).values(next_dispatch_at=_)",
            "update(_t).where(_where).values(next_dispatch_at=_t.c.next_dispatch_at)", inside=DUE,
        ), scenarios=("publishing",),
    ),
    "a reconciler waits for a row": _code(
        "a reconciler that hangs in a transaction blocks all others",
        Rewrite("_a.with_for_update(key_share=True, skip_locked=_)", "_a.with_for_update(key_share=True)", inside=DUE),
        scenarios=("publishing",),
    ),
    "a publish is recorded whatever the status": _code(
        "a run is written to after its abort", Rewrite(
            '_t.where(_id == bindparam("run_id"), _active)', '_t.where(_id == bindparam("run_id"))',
            inside="_.c.dispatch_count",
        ), scenarios=("after abort",),
    ),
    "the backoff does not grow": _code(
        "messages pile up while no worker is running",
        Rewrite("func.power(2, _n)", "func.power(1, _n)", inside="_.c.dispatch_count"), scenarios=("publishing",),
    ),
    "the least overdue run is published first": _code(
        "a run may wait for ever behind newer ones",
        Rewrite("sorted(_rows, key=_key)", "sorted(_rows, key=_key, reverse=True)", inside=DUE),
        scenarios=("publishing",),
    ),
    # --- Records
    "finished without counts": _code(
        "the counts of a finished run are missing",
        Rewrite("_(_.c.unchanged_jobs, _)", "None", inside="_(_.c.unparsed, _)"),
        evidence=Evidence.TABLES,
    ),
    "in error without a reason": _code(
        "a failed run has no error message", Rewrite('bindparam("reason")', "None"),
        evidence=Evidence.TABLES, scenarios=("after fail",),
    ),
    "every move is recorded as the user's": _code(
        "the audit trail names the wrong actor",
        Rewrite('{"actor": _actor, "request_id": _id}', '{"actor": "user", "request_id": _id}'),
    ),
    "moves record no event": _database(
        "the timeline does not name the actor of an abort",
        "ALTER TABLE ingestion_runs DISABLE TRIGGER ingestion_runs_trace_move",
        scenarios=("pending",),
    ),
    "events are numbered across runs": _database("the numbers of a timeline have gaps", NUMBERED_ACROSS_RUNS),
    "events can be changed by SQL": _database(
        "anyone with psql can rewrite a timeline", "ALTER TABLE run_events DISABLE TRIGGER run_events_append_only",
    ),
}


def break_code(trees: dict[Path, ast.Module], name: str | None) -> set[Path]:
    """Apply the mutant's rewrites to these trees; return the changed modules. Without a name, change none."""
    return {rewrite_once(trees, rewrite) for rewrite in (MUTANTS[name].rewrites if name else ())}
