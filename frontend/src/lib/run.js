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

/**
 * True if a worker has begun the run, and it has not ended.
 * @param {Run} run
 */
export function isUnderWay({ status }) {
  return status === 'initializing' || status === 'ingesting';
}

/** A worker at work is seen every few seconds. */
const MAX_SILENCE_MS = 10_000;

/**
 * True if a worker was at work on the run moments ago.
 * @param {Run} run
 */
export function isWorkerKnown({ worker_seen_at: seenAt, server_time: now }) {
  return seenAt !== null && Date.parse(now) - Date.parse(seenAt) < MAX_SILENCE_MS;
}

/**
 * The jobs of a run that were as they had been. Runs of earlier versions counted them at their end alone.
 * @param {Run} run
 */
export function jobsUnchanged({ jobs_skipped: skipped, jobs_unchanged: unchanged }) {
  return skipped ?? unchanged;
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
  const { companies_total: companies, total_jobs: jobs } = run;
  if (run.status === 'initializing' && companies) {
    return {
      total: companies,
      parts: [
        { tone: 'done', count: run.companies_read + run.companies_taken_in },
        { tone: 'bad', count: run.companies_failed },
        { tone: 'work', count: run.companies_reading },
      ],
    };
  }
  if (run.status === 'ingesting' && jobs) {
    return { total: jobs, parts: [{ tone: 'done', count: run.jobs_done }] };
  }
  return null;
}
