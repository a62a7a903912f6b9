/** Values derived from the server's answer about a run. */

/** @typedef {import('../api/runs.js').Run} Run */

/**
 * The duration of a run so far, or in all, in milliseconds, by the server's clock. The browser's clock only measures the
 * time since the answer.
 * @param {Run} run
 * @param {number} sinceAnswer milliseconds
 */
export function runDuration(run, sinceAnswer) {
  const end = run.finished_at
    ? Date.parse(run.finished_at)
    : Date.parse(run.server_time) + Math.max(0, sinceAnswer);
  return end - Date.parse(run.created_at ?? run.server_time);
}

/** The revision of a run counts its finished jobs below this number, and other progress in multiples of it. */
const JOBS_OF_REVISION = 1e9;

/**
 * The matching jobs of a run that are done: new, changed, back again or unchanged.
 * @param {Run} run
 */
export function jobsDone({ revision }) {
  return revision % JOBS_OF_REVISION;
}

/**
 * The jobs of a run that were as they had been. Until the run has finished, it is the rest of those done.
 * @param {Run} run
 */
export function jobsUnchanged(run) {
  const written = run.jobs_new + run.jobs_changed + run.jobs_reopened;
  return run.jobs_skipped ?? Math.max(0, jobsDone(run) - written);
}

/**
 * The new, changed and returned jobs of a run that did not count them apart, as earlier versions did not; 0 for others.
 * @param {Run} run
 */
export function jobsReadyUncounted({ jobs_ready: ready, jobs_new: added, jobs_changed, jobs_reopened }) {
  return added || jobs_changed || jobs_reopened ? 0 : (ready ?? 0);
}

/**
 * True if a run has changed a job, or has found one as it was.
 * @param {Run} run
 */
export function hasJobs(run) {
  return (
    run.jobs_new +
      run.jobs_changed +
      run.jobs_reopened +
      jobsReadyUncounted(run) +
      jobsUnchanged(run) +
      (run.jobs_expired ?? 0) >
    0
  );
}

/**
 * The parts of the bar of a run under way: boards while they are read, afterwards jobs. Null if there is nothing to
 * measure.
 * @param {Run} run
 * @returns {{total: number, parts: {tone: 'done' | 'bad' | 'work', count: number}[]} | null}
 */
export function runBar(run) {
  if (run.status === 'initializing' && run.companies_total > 0) {
    return {
      total: run.companies_total,
      parts: [
        { tone: 'done', count: run.companies_read + run.companies_taken_in },
        { tone: 'bad', count: run.companies_failed },
        { tone: 'work', count: run.companies_reading },
      ],
    };
  }
  if (run.status === 'ingesting' && (run.total_jobs ?? 0) > 0) {
    return { total: run.total_jobs ?? 0, parts: [{ tone: 'done', count: jobsDone(run) }] };
  }
  return null;
}
