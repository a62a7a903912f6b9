"""The mutants of the check of boards and runs: each breaks one promise, and the scenario that it names catches it.

This module imports nothing of the product, so that a check imports its own copy.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.faults.rewriting import Rewrite, SqlRewrite, rewrite_once, rewrite_sql

MODULES = ("tests.faults.run_model.mutants", "tests.faults.run_model.runner")
"""The modules that ``mutation_runner`` gets."""


@dataclass(frozen=True)
class Mutant:
    """A change of code, its effect, and the scenarios that catch it."""

    effect: str
    rewrites: tuple[Rewrite | SqlRewrite, ...]
    scenarios: tuple[str, ...]
    statement: str | None = None
    """SQL that breaks the database, too, so that it does not refuse what the code does."""


def _mutant(effect: str, scenario: str, *rewrites: Rewrite | SqlRewrite, statement: str | None = None) -> Mutant:
    return Mutant(effect, rewrites, (scenario,), statement)


ANY_STATUS = Rewrite("_runs.where(IS_UNDER_WAY, *conditions)", "_runs.where(*conditions)")
TWO_STATEMENTS = """
_answered = {_row.run_id for _row in _run(_statement, ended=_listing)}
return [_row.id for _row in _run(_have, runs=sorted(_answered))] if _answered else []
"""
ONE_SNAPSHOT = """
from app.extensions import db
with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
    _answered = {row.run_id for row in connection.execute(_statement, {"ended": _listing})}
    return [row.id for row in connection.execute(_have, {"runs": sorted(_answered)})]
"""
PINNED = "_moves.change(companies, pinned_listing_id=companies.c.listing_id)"

MUTANTS: dict[str, Mutant] = {
    # --- Owners and filters
    "jobs are compared without their owner": _mutant(
        "a run changes another user's jobs", "changes",
        SqlRewrite("WHERE job.user_id = :user AND job.board_id", "WHERE :user IS NOT NULL AND job.board_id"),
    ),
    "a question is answered without its owner": _mutant(
        "a user expires the jobs of another", "questions",
        Rewrite("and_(RUNS.c.id == RUN, RUNS.c.user_id == OWNER)", "and_(RUNS.c.id == RUN)"),
    ),
    "a run is retried without its owner": _mutant(
        "a user retries another's run", "failures",
        Rewrite("exists().where(_id, RUNS.c.user_id == OWNER, _ended)", "exists().where(_id, _ended)"),
    ),
    "open closings of all users are counted": _mutant(
        "a run asks because of another user's jobs", "many closings of one user",
        Rewrite("and_(JOBS.c.user_id == companies.c.user_id, _board)", "and_(_board)"),
    ),
    "a company is taken in without its filters": _mutant(
        "a run takes in what its user excluded", "changes",
        Rewrite("Filters(unit.include, unit.exclude)", "Filters([], [])", inside="find_changes(_, _)"),
    ),
    "a company gets the filters of another": _mutant(
        "a run counts what another company of the user wants", "a decision without a take-in",
        Rewrite("{_c.board_id: Filters(_c.include, _c.exclude) for _c in _all}",
                "{_c.board_id: Filters(_all[0].include, _all[0].exclude) for _c in _all}",
                inside="((_p[_e.board_id], _e) for _e in _)"),
    ),
    # --- Readers
    "a want is answered by a reading that began too early": _mutant(
        "a run takes in an old listing", "an early reading",
        Rewrite("func.coalesce(_b.content_began_at >= _, false())", "_b.content_began_at.is_not(None)"),
    ),
    "a lease is not renewed": _mutant(
        "a board that takes longer than a lease is read twice", "leases",
        Rewrite("_u.values(lease_until=seconds_from_now(_))", "_u.values(attempt=BOARDS.c.attempt)"),
    ),
    "a listing is stored without its lease": _mutant(
        "a reader whose lease was lost stores its listing", "a lease lost while storing",
        SqlRewrite("WHERE boards.board_id = :board AND lease_id = :lease",
                   "WHERE boards.board_id = :board AND :lease IS NOT NULL"),
    ),
    "a leased board is claimed": _mutant(
        "a board is read twice at once", "leases",
        Rewrite("or_(_b.lease_until.is_(None), _b.lease_until <= NOW)", "true()"),
    ),
    "a reading that is repeated keeps its begin": _mutant(
        "a listing counts from a time before the reader asked", "leases",
        Rewrite('_new.on_conflict_do_update(index_elements=_a, index_where=_b, set_={"began_at": NOW})',
                '_new.on_conflict_do_update(index_elements=_a, index_where=_b, set_={"state": "reading"})'),
    ),
    "the last board's question is asked on the snapshot of the answer": _mutant(
        "a run whose last two boards end at once is forgotten", "readings end at once",
        Rewrite(TWO_STATEMENTS.strip(), ONE_SNAPSHOT.strip()),
    ),
    # --- Truth
    "a miss is counted from a partial listing": _mutant(
        "a posting that was on a lost page is missing", "partial listings",
        Rewrite("if not _r.is_whole:\n    return _", "pass"),
    ),
    "a held listing ages postings": _mutant(
        "half a board is missing at once", "a shrink",
        Rewrite("Verdict(_s, _c, _t, _e, lacking=reading.lacking)",
                "Verdict(_s, _c, _t, _e, lacking=reading.lacking, ages=True)", inside="replace(_, held=first)"),
    ),
    "a shrink is not held": _mutant(
        "half a board is missing at once", "a shrink",
        Rewrite("if not _is_shrunk(_p, _r):\n    return _complete(_p, _r)", "return _complete(_p, _r)"),
    ),
    "a held board ages postings": _mutant(
        "postings are closed although the operator holds the board", "an old miss of a board on hold",
        Rewrite("Verdict(_s, _c, _t, _e, ages=not _p.is_on_hold, keeps_validators=True)",
                "Verdict(_s, _c, _t, _e, ages=True, keeps_validators=True)"),
    ),
    "a board on hold is judged as others": _mutant(
        "postings are closed although the operator holds the board", "a hold",
        Rewrite("if _p.is_on_hold:\n    return _judge_on_hold(_p, _r)", "pass"),
    ),
    "a release lets all later shrinks pass": _mutant(
        "half a board is missing at once", "a hold",
        Rewrite("_p.evidence.is_shrink_allowed and _s is ReadingState.UNCHANGED", "_p.evidence.is_shrink_allowed"),
    ),
    "a gone answer counts on a board on hold": _mutant(
        "an operator's hold does not hold", "a hold",
        Rewrite("_f.is_missing and not _p.is_on_hold", "_f.is_missing"),
    ),
    "a posting is closed by one witness": _mutant(
        "a posting is closed by the listing that first lacks it", "a closing",
        SqlRewrite("coalesce(missing_since <= held.began_at - make_interval(secs => :witness), false)",
                   ":witness IS NOT NULL"),
    ),
    "witnesses may be close": _mutant(
        "a fault of minutes closes postings", "close witnesses",
        SqlRewrite("make_interval(secs => :witness)", "make_interval(secs => 0 * :witness)"),
    ),
    "witnesses are compared by the end of the last": _mutant(
        "a slow reading closes postings too early", "close witnesses",
        SqlRewrite("missing_since <= held.began_at - make_interval", "missing_since <= held.now - make_interval"),
    ),
    "two empty listings close a board": _mutant(
        "a fault of a day closes a board", "an empty board", Rewrite("MIN_EMPTY = 3", "MIN_EMPTY = 2"),
    ),
    "one answer that a board is gone closes it": _mutant(
        "a failed board's jobs expire", "a board is gone",
        Rewrite("MIN_GONE_RECENT = 3", "MIN_GONE_RECENT = 1"),
    ),
    "a failed listing ages postings": _mutant(
        "a failed board's jobs expire", "failures",
        Rewrite("Verdict(_s, _c, _t, _e, closing=closing, keeps_validators=_k, is_gone=_g)",
                "Verdict(_s, _c, _t, _e, closing=closing, keeps_validators=_k, is_gone=_g, ages=True)"),
    ),
    "an old 304 is trusted": _mutant(
        "a board that lost its validators is called unchanged", "an unchanged board",
        Rewrite("own is not None or not verdict.keeps_validators", "own is not None"),
    ),
    # --- Storing
    "seen postings are written": _mutant(
        "each reading writes the whole board", "changes",
        Rewrite("{_e: _r for _e, _r in known.items() if _r.missing_since is not None}", "dict(known)"),
    ),
    "a closed posting that is back stays closed": _mutant(
        "a posting on the board counts as closed", "a closing",
        Rewrite("(*self._found_again(known), *_more)", "(*self._found_again(known),)"),
    ),
    # --- A run's moves
    "a claim without a status guard": _mutant(
        "an ended run begins again", "two workers begin",
        Rewrite("update(RUNS).where(*MOVING, RUNS.c.id == LOCKED.c.id, is_legal, AUDIT_CONTEXT, *guards)",
                "update(RUNS).where(*MOVING, RUNS.c.id == LOCKED.c.id, AUDIT_CONTEXT, *guards)"),
    ),
    "a company is answered whatever the run's status": _mutant(
        "a run is written to after its abort", "aborts", ANY_STATUS,
    ),
    "a part shares the run's lock": _mutant(
        "overlapping workers keep an abort out for ever", "a shared lock",
        Rewrite("_runs.with_for_update(key_share=True, skip_locked=skip_locked)",
                "_runs.with_for_update(read=True, skip_locked=skip_locked)"),
    ),
    "a run advances without pins": _mutant(
        "a run expires nothing", "a closing", Rewrite(PINNED, PINNED.replace("companies.c.listing_id", "None")),
    ),
    "a run advances while a company waits": _mutant(
        "a run ends without a board", "a deadline",
        Rewrite("_no_company(_is(RunCompanyState.WAITING), IS_UNDECIDED)", "_no_company(IS_UNDECIDED)"),
    ),
    "the deadline is not observed": _mutant(
        "companies are given up as soon as they wait", "a deadline",
        Rewrite("_moves.lock_runs(RUNS.c.deadline_at <= NOW, _w, skip_locked=True)",
                "_moves.lock_runs(_w, skip_locked=True)"),
    ),
    "nothing is given up at the deadline": _mutant(
        "a run waits for a board for ever", "a deadline",
        Rewrite("overdue.where(UNITS.c.state.in_(inline_literals([_s])))", "overdue.where(UNITS.c.position < 0)"),
    ),
    "total_jobs keeps a company that was given up": _mutant(
        "a run never reaches its total", "a company is given up",
        Rewrite("RUNS.c.total_jobs - lost", "RUNS.c.total_jobs"),
    ),
    "an answer that nobody published is no work": _mutant(
        "a run whose message was lost waits for ever", "lost messages",
        Rewrite("or_(~_w.exists(), _u.exists(), _n.exists())", "or_(~_w.exists(), _u.exists())"),
    ),
    "a run without waiting companies is no work": _mutant(
        "a run whose message was lost waits for ever", "lost messages",
        Rewrite("or_(~_w.exists(), _u.exists(), _n.exists())", "or_(_u.exists(), _n.exists())"),
    ),
    "a retry takes all companies": _mutant(
        "a retry takes in what was taken in", "failures",
        Rewrite("UNITS.c.state.in_(inline_literals([RunCompanyState.FAILED]))", "UNITS.c.state.is_not(None)",
                inside="IS_ENABLED"),
    ),
    # --- Taking in
    "a part is written whatever another worker wrote": _mutant(
        "two workers count the same jobs twice", "two workers take in",
        Rewrite('UNITS.c.parts == bindparam("seen_parts", type_=Integer)', "UNITS.c.parts.is_not(None)",
                inside='_cte("held", ...)'),
    ),
    "a company is taken in from another listing than decided": _mutant(
        "the counts of a company are those of another listing", "a listing between two statements",
        Rewrite("BOARDS.c.content_listing_id == LISTING", "LISTING.is_not(None)"),
        Rewrite("offered.listing_id != unit.listing_id or _c", "_c"),
    ),
    "parts before are not counted": _mutant(
        "a run that another worker carries on loses its counts", "two workers take in",
        Rewrite("_run(EARLIER, run=_r, **_o) if unit.parts else []", "[]"),
    ),
    "closings after the pin are noted": _mutant(
        "jobs expire that the run's question did not count", "a closing after the pin",
        SqlRewrite("posting.closed_listing_id <= :pinned", ":pinned IS NOT NULL"),
    ),
    "declined closings are noted": _mutant(
        "jobs expire that their user kept", "questions",
        SqlRewrite("AND job.kept_listing_id IS DISTINCT FROM posting.closed_listing_id"),
    ),
    "unchanged jobs are written": _mutant(
        "each run writes all jobs", "changes",
        SqlRewrite("ELSE posting.revision_id IS DISTINCT FROM job.revision_id END AS is_other",
                   "ELSE true END AS is_other"),
    ),
    "a changed job counts as unchanged": _mutant(
        "a run hides what has changed", "changes",
        SqlRewrite("WHEN earlier = 'changed' OR fields <> '{}' THEN 'changed' END AS kind",
                   "WHEN earlier = 'changed' THEN 'changed' END AS kind"),
    ),
    "a posting that is back opens no job": _mutant(
        "a job stays expired although its posting is open", "a closing",
        SqlRewrite("CASE WHEN job.status = 'expired' THEN posting.closed_at IS NULL",
                   "CASE WHEN job.status = 'expired' THEN false"),
    ),
    "a job expires without its witness": _mutant(
        "nobody can tell why a job expired", "a closing",
        SqlRewrite("event.closed_reason, event.missing_listing_id", "event.closed_reason, event.closed_listing_id"),
    ),
    # --- The question
    "a run that asks expires": _mutant(
        "a question comes after the deed", "questions",
        Rewrite("[] if unit.has_question else known.gone", "known.gone"),
    ),
    "earlier questions stay open": _mutant(
        "two questions ask for the same jobs", "questions superseded",
        Rewrite("(CLOSINGS.c.user_id == run.c.user_id, CLOSINGS.c.run_id != run.c.id)",
                "(CLOSINGS.c.user_id == run.c.user_id, CLOSINGS.c.run_id == run.c.id)"),
    ),
    "a question is answered twice": _mutant(
        "an answer is overwritten", "questions",
        Rewrite("_question.where(is_asked, ACTIVE.is_(None))", "_question.where(ACTIVE.is_(None))"),
        Rewrite("_u.where(is_legal, *conditions).values(state=to)", "_u.where(*conditions).values(state=to)",
                inside="CLOSINGS"),
    ),
}


def break_code(trees: dict[Path, ast.Module], name: str | None) -> set[Path]:
    """Apply the mutant's rewrites to these trees; return the changed modules. Without a name, change none."""
    return {
        rewrite_sql(trees, each) if isinstance(each, SqlRewrite) else rewrite_once(trees, each)
        for each in (MUTANTS[name].rewrites if name else ())
    }
