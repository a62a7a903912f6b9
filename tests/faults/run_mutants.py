"""The mutants of runs: changes that break a promise in one place. The named tests must fail with each of them.

``python -m tests.faults.run_mutants [words]`` runs them like those of boards.
"""

import sys

from tests.faults.board_mutants import BoardMutant, SqlRewrite, main, mutant
from tests.faults.rewriting import Rewrite

RUNS = "tests/services/runs/"
PARTS = f"{RUNS}test_taking_in_parts.py::"
TAKING_IN = f"{RUNS}test_taking_in.py::"

ANY_STATUS = Rewrite("_runs.where(IS_UNDER_WAY, *conditions)", "_runs.where(*conditions)")

RUN_MUTANTS: dict[str, BoardMutant] = {
    # --- Owners
    "a question is answered without its owner": mutant(
        "a user expires the jobs of another",
        f"{RUNS}test_closings.py::test_answer_to_a_missing_run_raises_run_not_found",
        Rewrite("and_(RUNS.c.id == RUN, RUNS.c.user_id == OWNER)", "and_(RUNS.c.id == RUN)"),
    ),
    "a run is retried without its owner": mutant(
        "a user retries another's run", f"{RUNS}test_retry.py::test_retry_of_another_users_run_is_not_found",
        Rewrite("exists().where(_id, RUNS.c.user_id == OWNER, _ended)", "exists().where(_id, _ended)"),
    ),
    "companies of a run are read without its owner": mutant(
        "a user sees another's companies",
        f"{RUNS}test_company_queries.py::test_companies_of_another_users_run_are_not_found",
        Rewrite("_run if _user is None else _run.where(RUNS.c.user_id == _user)", "_run"),
    ),
    "a job is read without its owner": mutant(
        "a user sees another's job", "tests/services/jobs/test_queries.py::test_job_of_another_user_is_not_found",
        Rewrite("_job if _user is None else _job.where(JOBS.c.user_id == _user)", "_job"),
    ),
    "jobs are compared without their owner": mutant(
        "a run changes another user's jobs", f"{TAKING_IN}test_jobs_of_other_users_stay_as_they_are",
        SqlRewrite("WHERE job.user_id = :user AND job.board_id", "WHERE :user IS NOT NULL AND job.board_id"),
    ),
    # --- Aborts
    "a company is answered whatever the run's status": mutant(
        "a run is written to after its abort",
        f"{RUNS}test_answers.py::test_abort_that_commits_while_the_answer_waits_wins", ANY_STATUS,
    ),
    "a part shares the run's lock": mutant(
        "overlapping workers keep an abort out for ever", f"{PARTS}test_part_shares_the_run_with_no_other_lock",
        Rewrite("_runs.with_for_update(key_share=True, skip_locked=skip_locked)",
                "_runs.with_for_update(read=True, skip_locked=skip_locked)"),
    ),
    # --- Taking in
    "a part is written whatever another worker wrote": mutant(
        "two workers add the same jobs, and count them twice",
        f"{PARTS}test_part_that_another_worker_wrote_first_is_not_written_again",
        Rewrite('_u.where(_at, UNITS.c.parts == bindparam("seen_parts", type_=Integer), *conditions)',
                "_u.where(_at, *conditions)"),
    ),
    "closings after the pin are noted": mutant(
        "jobs expire that the run's question did not count", f"{TAKING_IN}test_closing_after_the_pinned_listing_waits",
        SqlRewrite("posting.closed_listing_id <= :pinned", ":pinned IS NOT NULL"),
    ),
    "declined closings are noted": mutant(
        "jobs expire that their user kept", f"{TAKING_IN}test_closing_that_the_user_declined_expires_nothing",
        SqlRewrite("AND job.kept_listing_id IS DISTINCT FROM posting.closed_listing_id"),
    ),
    "unchanged jobs are written": mutant(
        "each run writes all jobs", f"{TAKING_IN}test_unchanged_jobs_write_nothing",
        SqlRewrite("ELSE posting.revision_id IS DISTINCT FROM job.revision_id END AS is_other",
                   "ELSE true END AS is_other"),
    ),
}

if __name__ == "__main__":
    sys.exit(main(RUN_MUTANTS))
