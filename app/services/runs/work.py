"""The work of a run, independent of messages: answer its companies, decide on postings, take them in, end it.

Nothing here waits for a board, and nothing is held between two statements. A message may come twice, late or never:
each statement finds what is still to do, so any worker carries on what another one has left.
"""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy import Integer, Row, bindparam, select

from app.db.execute import run_statement
from app.errors import DatabaseUnavailable
from app.models import RunCompanyState, RunStatus
from app.observability import metrics
from app.services.boards import outbox as board_outbox
from app.services.runs import answers, completion, decisions, heartbeat, outbox, taking_in, transitions
from app.services.runs.company_moves import UNITS
from app.services.runs.errors import RunMoved, RunNotFound

log = structlog.get_logger(__name__)

SLICE_SECONDS = 20
"""Time spent on one message before others have their turn."""

MAX_ATTEMPTS = 5
"""Attempts without progress after which a company is given up: it may crash its workers."""

MAX_REASONS = 2
"""Reasons that the error of a run names. Each of its companies shows its own."""

STUCK = "This product failed to complete this run; the jobs so far stay. The operator's log has the reason."

COMPANIES = (
    select(UNITS.c.name, UNITS.c.state, UNITS.c.outcome, UNITS.c.detail)
    .where(UNITS.c.run_id == bindparam("run_id", type_=Integer))
    .order_by(UNITS.c.position)
)


def carry(
    run_id: int,
    wake_readers: Callable[[int, int], object] = board_outbox.wake_readers,
    republish: Callable[[int], object] = outbox.publish,
    stopping: Callable[[], bool] = lambda: False,
    seconds: float = SLICE_SECONDS,
) -> None:
    """Carry a run on as far as it goes without reading a board. Commits. Raises DatabaseUnavailable.

    If companies wait and none of their boards is being read, ``wake_readers`` gets the run and their number. Once
    ``stopping`` returns true, or after the slice, the run is left to the message that ``republish`` publishes. A run
    that has ended, an aborted one above all, gets no further write.
    """
    try:
        status, done = _begin(run_id)
        is_over = heartbeat.Slice(run_id, done, stopping, seconds)
        if not _carry(run_id, status, is_over, wake_readers):
            is_over.end()
            republish(run_id)
    except (RunMoved, RunNotFound) as moved:
        log.info("run left", run_id=run_id, reason=moved.detail)


def _begin(run_id: int) -> tuple[RunStatus, int]:
    """Claim a pending run, or go on with one under way; return its status and the steps done. Commits.

    A company that no attempt got past is given up; without one, the run ends. Raises RunMoved if the run has ended,
    RunNotFound.
    """
    begun = heartbeat.begin(run_id)
    if begun is None:
        transitions.claim(run_id)
        return RunStatus.INITIALIZING, 0
    if begun.attempts > MAX_ATTEMPTS:
        # The count ends first: if this worker dies in between, the company gets more attempts, not the next one fewer.
        heartbeat.reset(run_id)
        log.error("run stuck", run_id=run_id, attempts=begun.attempts)
        if completion.give_up_next(run_id) is None and not _has_waiting(run_id):
            _end_stuck(run_id, RunStatus(begun.status))
    return RunStatus(begun.status), begun.done


def _end_stuck(run_id: int, status: RunStatus) -> None:
    """End a run that has nothing to give up. Commits. Raises DatabaseUnavailable, RunMoved or RunNotFound.

    If all its companies have ended, its workers were interrupted just before its end, so it ends as they did. A run
    that cannot end so ends in error.
    """
    if status == RunStatus.INGESTING:
        try:
            return _end(run_id)
        except (DatabaseUnavailable, RunMoved, RunNotFound):
            raise
        except Exception:
            log.exception("run not ended", run_id=run_id)
    transitions.fail(run_id, STUCK)


def _has_waiting(run_id: int) -> bool:
    """Return whether a company waits for its board, also one that is to be given up at the deadline."""
    return any(company.state == RunCompanyState.WAITING for company in run_statement(COMPANIES, run_id=run_id))


def _carry(
    run_id: int, status: RunStatus, is_over: Callable[[], bool], wake_readers: Callable[[int, int], object]
) -> bool:
    """Do what can be done for the run; return False if ``is_over`` returned true before. Commits.

    Raises RunMoved if the run has ended, or if another worker is ahead; RunNotFound.
    """
    if is_over():
        return False
    answers.answer_run(run_id)
    waiting = answers.waiting(run_id)
    # Readers need not wait until the other companies are decided on.
    if waiting.units and not waiting.being_read:
        wake_readers(run_id, waiting.units)
    if is_over() or not decisions.decide(run_id, is_over):
        return False
    if waiting.units:
        heartbeat.settle(run_id)
        return True
    if status == RunStatus.INITIALIZING and not transitions.advance(run_id):
        return True
    if is_over() or not taking_in.take_in(run_id, is_over) or is_over():
        return False
    _end(run_id)
    return True


def _end(run_id: int) -> None:
    """End a run whose companies have all ended: in error if all failed. Commits. Raises RunMoved or RunNotFound.

    A company that has not ended leaves the run to the next message.
    """
    companies = run_statement(COMPANIES, run_id=run_id)
    failed = [company for company in companies if company.state == RunCompanyState.FAILED]
    if failed and len(failed) == len(companies):
        transitions.fail(run_id, _all_failed(failed))
    elif not transitions.finish(run_id):
        return
    metrics.RUN_COMPANIES.labels(state=RunCompanyState.FAILED.value).inc(len(failed))
    metrics.RUN_COMPANIES.labels(state=RunCompanyState.TAKEN_IN.value).inc(len(companies) - len(failed))


def _all_failed(failed: Sequence[Row[Any]]) -> str:
    """Return the sentence for the user of a run of which all companies failed: their number and the first reasons."""
    reasons: dict[str, str] = {}
    for company in failed:
        reasons.setdefault(company.detail or company.outcome, company.name)
    # The board of a company that was given up is read.
    is_read = completion.GIVEN_UP in reasons
    if len(failed) == 1:
        name = failed[0].name
        start = f"{name} could not be ingested" if is_read else f"The board of {name} could not be read"
    else:
        start = f"None of the {len(failed)} " + ("companies could be ingested" if is_read else "boards could be read")
    if len(reasons) == 1:
        return f"{start}: {[*reasons][0]}"
    shown = [f"{name}: {reason}" for reason, name in reasons.items()][:MAX_REASONS]
    return f"{start}. {' '.join(shown)}"
