"""SQL that the database must refuse. Each function builds a statement for a run, or None where it would be legal."""

from collections.abc import Callable

from tests.faults.model import Run

TERMINAL = ("finished", "error", "aborted")
STATUSES = ("pending", "initializing", "ingesting", *TERMINAL)
LEGAL = {
    "pending": ("initializing", "error", "aborted"),
    "initializing": ("ingesting", "error", "aborted"),
    "ingesting": ("finished", "error", "aborted"),
}


def illegal_move(run_id: int, run: Run, to: str) -> str | None:
    """A move that the state machine does not have."""
    if to == run.status or to in LEGAL.get(run.status, ()):
        return None
    end = "now()" if to in TERMINAL else "NULL"
    return f"UPDATE ingestion_runs SET status = '{to}', finished_at = {end} WHERE id = {run_id}"


def second_active_run(run_id: int, run: Run, to: str) -> str | None:
    """A second active run of the same user."""
    if not run.is_active or to in TERMINAL:
        return None
    return f"INSERT INTO ingestion_runs (user_id, status) VALUES ({run.user_id}, '{to}')"


def wrong_finished_at(run_id: int, run: Run, _to: str) -> str:
    """A finished_at on an active run, or an ended run without one."""
    return f"UPDATE ingestion_runs SET finished_at = {'now()' if run.is_active else 'NULL'} WHERE id = {run_id}"


def unknown_status(run_id: int, run: Run, _to: str) -> str:
    """A status that does not exist."""
    return f"INSERT INTO ingestion_runs (user_id, status) VALUES ({run.user_id}, 'paused')"


def changed_event(run_id: int, run: Run, to: str) -> str:
    """A changed event."""
    return f"UPDATE run_events SET to_status = '{to}' WHERE run_id = {run_id}"


def removed_event(run_id: int, run: Run, _to: str) -> str:
    """A deleted event."""
    return f"DELETE FROM run_events WHERE run_id = {run_id}"


def added_event(run_id: int, run: Run, to: str) -> str:
    """An inserted event."""
    return (
        "INSERT INTO run_events (run_id, seq, at, from_status, to_status, actor)"
        f" VALUES ({run_id}, {len(run.moves) + 1}, now(), '{run.status}', '{to}', 'worker')"
    )


def second_run_of_a_key(_run_id: int, run: Run, _to: str) -> str | None:
    """A second run with the same key, even if both have ended."""
    if run.key is None:
        return None
    return (
        "INSERT INTO ingestion_runs (user_id, status, finished_at, idempotency_key, request_fingerprint)"
        f" VALUES ({run.user_id}, 'aborted', now(), '{run.key}', '')"
    )


def half_a_key(run_id: int, run: Run, _to: str) -> str:
    """A key without a fingerprint, or a fingerprint without a key."""
    named = "idempotency_key = NULL" if run.key else "idempotency_key = 'c'"
    return f"UPDATE ingestion_runs SET {named} WHERE id = {run_id}"


BUILDERS: tuple[Callable[[int, Run, str], str | None], ...] = (
    illegal_move, second_active_run, wrong_finished_at, unknown_status, changed_event, removed_event, added_event,
    second_run_of_a_key, half_a_key,
)


def illegal_statements(run_id: int, run: Run) -> list[str]:
    """Return every illegal statement for this run."""
    built = {build(run_id, run, to) for build in BUILDERS for to in STATUSES}
    return sorted(statement for statement in built if statement)
