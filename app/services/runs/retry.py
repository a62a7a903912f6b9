"""Retry a run: start another one of its failed companies, with the filters that it had frozen."""

from sqlalchemy import Integer, bindparam, cast, exists, null, select

from app.db.execute import inline_literals, run_statement
from app.errors import AppError
from app.extensions import table_of
from app.models import Company, RunCompanyState, RunStatus
from app.services.runs import idempotency, outbox, queries
from app.services.runs.errors import NothingToRetry, RunActive, RunNotEnded
from app.services.runs.freezing import SNAPSHOT, UNITS, starting
from app.services.runs.queries import OWNER, RUNS
from app.services.runs.start import Start, create

COMPANIES = table_of(Company)

RETRIED = bindparam("retried_id", type_=Integer)

HAS_ENDED = exists().where(
    RUNS.c.id == RETRIED, RUNS.c.user_id == OWNER, RUNS.c.status.in_(inline_literals(RunStatus.TERMINAL))
)

# One search by the primary key for each company. As a join, it may compare each company of the run with each of the
# user's. A company keeps its owner and its id, so this one is the run's user's.
IS_ENABLED = select(COMPANIES.c.enabled).where(COMPANIES.c.company_id == UNITS.c.company_id).scalar_subquery()

FAILED = select(*[UNITS.c[name] for name in SNAPSHOT], cast(null(), Integer).label("previewed")).where(
    UNITS.c.run_id == RETRIED,
    UNITS.c.state.in_(inline_literals([RunCompanyState.FAILED])),
    IS_ENABLED,
)
"""The run's failed companies that are still there and enabled."""

RETRY = starting(FAILED, HAS_ENDED, FAILED.exists(), retry_of=RETRIED)
HAS_FAILED = select(FAILED.exists().label("has_failed"))


def retry_run(run_id: int, user_id: int, key: str | None = None) -> tuple[int, bool]:
    """Create a run of another run's failed companies and publish its message; return its id and whether it is new.

    Commits. A replayed retry publishes nothing. Raises the errors of ``create_retry``; a fault of the broker raises
    nothing.
    """
    new_id, is_new = create_retry(run_id, user_id, key=key)
    if is_new:
        outbox.publish(new_id)
    return new_id, is_new


def create_retry(run_id: int, user_id: int, key: str | None = None) -> tuple[int, bool]:
    """Insert a pending run of the failed companies of this user's run; return its id and whether it is new. Commits.

    Companies that were removed or disabled since are left out. ``key`` works as in ``start.create_run``.

    Raises RunNotFound, RunNotEnded if that run is active, RunActive with the id of another active run, NothingToRetry,
    IdempotencyKeyReused, or Unauthenticated if the user was removed.
    """
    start = Start(RETRY, {"retried_id": run_id}, idempotency.retry_fingerprint(run_id))
    return create(start, user_id, key, lambda: _refusal(run_id, user_id))


def _refusal(run_id: int, user_id: int) -> AppError | None:
    """Return the error that prevents a retry now; None if nothing does. Raises RunNotFound."""
    if queries.get(run_id, user_id).status.is_active:
        return RunNotEnded(run_id)
    if active := queries.current(user_id):
        return RunActive(active)
    has_failed = run_statement(HAS_FAILED, retried_id=run_id, owner=user_id)[0].has_failed
    return None if has_failed else NothingToRetry(run_id)
