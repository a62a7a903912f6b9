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
 * The counts to show; none while all are zero.
 * @param {Run} run
 * @returns {{name: string, count: number}[]}
 */
export function runCounts(run) {
  const known = [
    { name: 'Postings', count: run.total_jobs },
    { name: 'Ready', count: run.jobs_ready },
    { name: 'Skipped', count: run.jobs_skipped },
    { name: 'Expired', count: run.jobs_expired },
    { name: 'Failed', count: run.jobs_failed },
  ].flatMap(({ name, count }) => (count === null ? [] : [{ name, count }]));
  return known.some(({ count }) => count > 0) ? known : [];
}
