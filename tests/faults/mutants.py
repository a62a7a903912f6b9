"""Ways to break the product in a single place, of which the model check must find every one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """Edits of files, old text to new, and what they let happen."""

    why: str
    edits: tuple[tuple[str, str, str], ...]


RUNS = "app/services/runs.py"
DISPATCHES = "app/services/dispatches.py"
DISPATCH = "app/tasks/dispatch.py"
STATUS = "app/models/ingestion_run.py"
ROUTES = "app/api/ingestion_routes.py"
GUARDS = "migrations/versions/c3b8d7e6a150_guards.py"
KEYS = "app/services/start_keys.py"
KEY_TABLE = "migrations/versions/2f7ac1e98b35_idempotency.py"
EVENTS = "migrations/versions/e07a52c9d8f1_run_events.py"

GUARD = "RUNS.c.status.in_(inline_literals(to.sources))"
UNGUARDED = (RUNS, f", {GUARD}", "")
LOOKED = (
    RUNS,
    "    if not run_statement(move.statement, ",
    "    if (found := get(run_id, user_id).status) not in move.to.sources:\n"
    "        raise RunMoved(run_id, found, move.to)\n"
    "    if not run_statement(move.statement, ",
)
TRIGGER = "FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION ingestion_runs_move()"
UNTRIGGERED = (GUARDS, TRIGGER, TRIGGER.replace("(OLD", "(false AND OLD"))
ON_CONFLICT = ".on_conflict_do_nothing()"


def _one(why: str, file: str, old: str, new: str, *more: tuple[str, str, str]) -> Mutant:
    return Mutant(why, ((file, old, new), *more))


def _unguarded(status: str, why: str) -> Mutant:
    loose = f"list(RunStatus) if to == RunStatus.{status} else to.sources"
    return _one(why, RUNS, GUARD, GUARD.replace("to.sources", loose))


MUTANTS: dict[str, Mutant] = {
    # --- guards: the database refuses what these let through, so the tables stay sound and the caller gets a fault
    "no guard in claim": _unguarded("INITIALIZING", "a second copy of a message starts the work again"),
    "no guard in advance": _unguarded("INGESTING", "a worker goes on with an aborted run"),
    "no guard in finish": _unguarded("FINISHED", "an aborted run finishes"),
    "no guard in fail": _unguarded("ERROR", "an aborted run ends in error"),
    "no guard in abort": _unguarded("ABORTED", "a finished run is said to be aborted"),
    "the status is read, then written": _one("between the two somebody else moves the run", *UNGUARDED, LOOKED),
    "finish from anywhere": _one(
        "work is skipped", STATUS, "FINISHED: [INGESTING]", "FINISHED: [INITIALIZING, INGESTING]",
    ),
    "no trigger": _one("psql does what it likes", *UNTRIGGERED),
    # --- both fences down: what the oracle must see in the tables
    "no guard and no trigger": _one("an end is left again", *UNGUARDED, UNTRIGGERED),
    "read, then written, and no trigger": _one("an abort is overwritten", *UNGUARDED, LOOKED, UNTRIGGERED),
    # --- starts
    "no unique index": _one("simultaneous starts make two active runs", GUARDS, "unique=True", "unique=False"),
    "no NOT EXISTS": _one("each refused start burns an id", RUNS, ".where(~CURRENT.exists(), ", ".where("),
    "no ON CONFLICT": _one("of simultaneous starts one ends in a fault", RUNS, ON_CONFLICT, ""),
    "a start is not tried again": _one(
        "a start fails because the run in its way has just ended", RUNS, "in range(START_TRIES)", "in range(1)",
    ),
    "others' runs are in the way": _one(
        "a start is refused because of somebody else's run", RUNS, "~CURRENT.exists()",
        "~select(RUNS.c.id).where(IS_ACTIVE).exists()",
    ),
    "ingesting is not active": _one(
        "the page loses sight of a run that is at work", STATUS,
        "ACTIVE = nonmember([PENDING, INITIALIZING, INGESTING])", "ACTIVE = nonmember([PENDING, INITIALIZING])",
    ),
    "nothing is committed": _one(
        "a run is lost after its start was answered", "app/db/engine.py", '"isolation_level": "AUTOCOMMIT"',
        '"isolation_level": "READ COMMITTED"',
    ),
    # --- whose run it is
    "anybody aborts": _one(
        "a user aborts somebody else's run", RUNS, "_move(ABORT, run_id, actor, user_id)", "_move(ABORT, run_id, actor)"
    ),
    "anybody's current run": _one(
        "the page shows somebody else's run", RUNS, ".where(RUNS.c.user_id == OWNER, IS_ACTIVE)",
        ".where(or_(OWNER.is_not(None), RUNS.c.user_id == OWNER), IS_ACTIVE)",
    ),
    "anybody looks": _one(
        "a user sees somebody else's run", ROUTES, "runs.get(run_id, current_user_id())", "runs.get(run_id)",
    ),
    "anybody's timeline": _one(
        "a user sees somebody else's timeline", ROUTES, "runs.events(run_id, current_user_id(), ",
        "runs.events(run_id, None, ",
    ),
    "everybody's runs": _one(
        "the history is everybody's", ROUTES, "runs.newest(current_user_id(), ", "runs.newest(None, ",
    ),
    # --- keys
    "keys are everybody's": _one(
        "a user gets somebody else's run", KEYS, "former.where(RUNS.c.user_id == user_id, ", "former.where(",
    ),
    "whatever the key was for": _one(
        "a start is answered with a run that was started from something else", KEYS, "!= fingerprint(preview_id)",
        "is None",
    ),
    "the key is looked for last": _one(
        "a start whose answer was lost is refused because of itself", RUNS, "        if key is not None and (former",
        "        if refusal:\n            raise refusal\n        if key is not None and (former",
    ),
    "a used key takes an id": _one("each replay burns an id", RUNS, ".exists(), unused, TRACED", ".exists(), TRACED"),
    "two runs of a key": _one(
        "simultaneous starts with one key are two runs", KEY_TABLE, "unique=True", "unique=False",
    ),
    "a key without its start": _one(
        "a key is compared with nothing", KEY_TABLE, '"(idempotency_key IS NULL) = (request_fingerprint IS NULL)"',
        '"true"',
    ),
    "a replay is published": _one("a run is handed over again", DISPATCH, "    if is_new:\n", "    if run_id:\n"),
    "a replay says 201": _one("a client takes an old run for a new one", ROUTES, "201 if is_new else 200", "201"),
    "the key is not heard": _one(
        "a start whose answer was lost is refused, or done twice", ROUTES, 'given["preview_id"], key)',
        'given["preview_id"])',
    ),
    # --- handing over
    "published before it is committed": _one(
        "a worker is told of a run that is not there", DISPATCH,
        "    run_id, is_new = runs.start(user_id, preview_id, key)\n    if is_new:\n        publish(run_id)\n",
        "    publish(max((run.id for run in runs.newest(limit=1)[0]), default=0) + 1)\n"
        "    run_id, is_new = runs.start(user_id, preview_id, key)\n",
    ),
    "never published": _one(
        "every start waits for the reconciler", DISPATCH, "    if is_new:\n        publish(run_id)\n", "",
    ),
    "stamped before it is published": _one(
        "a crash between the two loses the message for a whole back-off", DISPATCH, "        wake_up = _celery()",
        "        message.stamp(subject_id)\n        wake_up = _celery()",
        (DISPATCH, "        message.stamp(subject_id)\n    except", "        pass\n    except"),
    ),
    "not stamped": _one(
        "each message is published for ever, every 5 s", DISPATCH, "        message.stamp(subject_id)\n    except",
        "        pass\n    except",
    ),
    "what is at work is published": _one(
        "runs that have ended are handed over again", DISPATCHES,
        "RUNS.c.status == RunStatus.PENDING, RUNS.c.next_dispatch_at", "RUNS.c.next_dispatch_at",
    ),
    "what is not due is published": _one(
        "every pass publishes everything", DISPATCHES, ", RUNS.c.next_dispatch_at <= func.clock_timestamp())", ")",
    ),
    "taken is not taken": _one(
        "two reconcilers publish the same run", DISPATCHES, "next_dispatch_at=seconds_from_now(TAKE_WINDOW)",
        "next_dispatch_at=due.c.next_dispatch_at",
    ),
    "a reconciler waits for a row": _one(
        "one that hangs stops all", DISPATCHES, "with_for_update(skip_locked=True)", "with_for_update()",
    ),
    "the back-off does not grow": _one(
        "messages pile up while no worker is there", DISPATCHES, "func.power(2, ", "func.power(1, ",
    ),
    "the least overdue first": _one(
        "one run waits for ever behind the others", DISPATCHES, ".order_by(RUNS.c.next_dispatch_at)",
        ".order_by(RUNS.c.next_dispatch_at.desc())",
        (DISPATCHES, "key=lambda row: row.next_dispatch_at)", "key=lambda row: row.next_dispatch_at, reverse=True)"),
    ),
    # --- what a run and its timeline tell
    "finished without counts": _one(
        "the counts change later", RUNS, "jobs_ready=_jobs(JobStatus.READY)", "jobs_ready=None"
    ),
    "everybody's jobs are counted": _one(
        "the counts are false", RUNS, 'JOBS.c.run_id == bindparam("run_id"), ', 'bindparam("run_id") > 0, '
    ),
    "in error without a reason": _one(
        "nobody knows why", RUNS, 'error_message=bindparam("reason")',
        'error_message=func.nullif(bindparam("reason", type_=String), bindparam("reason", type_=String))',
    ),
    "claimed without a time": _one(
        "nobody knows since when", RUNS, "Move(RunStatus.INITIALIZING, started_at=NOW)", "Move(RunStatus.INITIALIZING)"
    ),
    "everything is the user's doing": _one(
        "the audit trail lies", "app/services/traces.py", '{"actor": actor, ', '{"actor": Actor.USER, '
    ),
    "an end may be left": _one(
        "psql revives an aborted run", GUARDS, "('pending', 'initializing'),\n",
        "('pending', 'initializing'), ('aborted', 'ingesting'),\n",
    ),
    "pending cannot be aborted": _one("an abort is refused", GUARDS, "        ('pending', 'aborted'), ", "        "),
    "an end needs no time": _one(
        "a run ended, and nobody knows when", GUARDS, "(status IN ('finished', 'error', 'aborted')) = (finished_at",
        "(status IN ('finished', 'error')) = (finished_at",
    ),
    "numbers across runs": _one(
        "a timeline has gaps", EVENTS, " FROM run_events WHERE run_id = NEW.id)", " FROM run_events)",
    ),
    "aborts leave no trace": _one(
        "the timeline does not say who aborted", EVENTS, "WHEN (OLD.status IS DISTINCT FROM NEW.status)",
        "WHEN (NEW.status <> 'aborted')",
    ),
    "events can be typed": _one(
        "the timeline is anybody's to write", EVENTS, "pg_trigger_depth() > 1", "pg_trigger_depth() > 0",
    ),
}
TOURS: dict[str, tuple[str, ...]] = {
    "starts at once": (
        "no guard in abort", "no unique index", "no ON CONFLICT", "a start is not tried again", "two runs of a key",
    ),
    "handing over": (
        "what is at work is published", "what is not due is published", "taken is not taken",
        "a reconciler waits for a row", "the back-off does not grow", "the least overdue first",
    ),
    "pending": ("pending cannot be aborted", "aborts leave no trace"),
    "initializing": ("finish from anywhere",),
    "after fail": ("in error without a reason",),
    "after abort": ("an end may be left", "an end needs no time"),
    "claim against abort": ("no guard in claim", "the status is read, then written"),
    "advance against abort": ("no guard in advance",),
    "finish against abort": ("no guard in finish", "no guard and no trigger", "read, then written, and no trigger"),
    "fail against abort": ("no guard in fail",),
}
"""On which tour of the short form a mutant is met; all others on the first."""

REFEREED = (
    "no guard in claim", "no guard in advance", "no guard in finish", "no guard in fail",
    "the status is read, then written", "finish from anywhere", "no ON CONFLICT",
)
"""What the database refuses, though the code does not: the tables stay sound."""

SEEN_IN_TABLES = (
    "no guard and no trigger", "read, then written, and no trigger", "no unique index", "in error without a reason",
    "finished without counts", "claimed without a time",
)
"""What neither refuses: the history checker must see it."""

SHORT = (
    *REFEREED, *SEEN_IN_TABLES, "no guard in abort", "no NOT EXISTS", "nothing is committed", "anybody aborts",
    "keys are everybody's", "published before it is committed", "stamped before it is published", "taken is not taken",
)
"""What the short form of the check is shown; the long one is shown all."""


def tour_of(name: str) -> str:
    """The tour on which that mutant is met."""
    return next((tour for tour, names in TOURS.items() if name in names), "keys")


def applied(copy: Path, name: str | None) -> list[str]:
    """Break that copy; returns which files were touched. Without a name nothing is. Raises where the text is not."""
    edits = MUTANTS[name].edits if name else ()
    for file, old, new in edits:
        text = (copy / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times: {old}"
        (copy / file).write_text(text.replace(old, new))
    return [file for file, _, _ in edits]
