/** What can be said of a run, worked out from the server's answer alone. */

/** @typedef {import('../api/queries.js').Run} Run */

const PLACEHOLDER =
  'A worker has it. The ingestion step is a placeholder in this version, so the run stays pending until you abort it.';

/**
 * How long the run has lasted or did last, in milliseconds.
 *
 * By the server's clock; the browser's is only asked how long ago the answer came.
 * @param {Run} run
 * @param {number} sinceAnswer milliseconds
 */
export function lasted(run, sinceAnswer) {
  const end = run.finished_at
    ? Date.parse(run.finished_at)
    : Date.parse(run.server_time) + Math.max(0, sinceAnswer);
  return end - Date.parse(run.created_at ?? run.server_time);
}

/**
 * What is going on, in a sentence.
 * @param {Run} run
 */
export function sentence(run) {
  switch (run.status) {
    case 'pending':
      return run.dispatched_at ? PLACEHOLDER : 'Waiting for a worker.';
    case 'initializing':
      return 'A worker is finding out what there is to take in.';
    case 'ingesting':
      return 'A worker is taking postings in.';
    case 'finished':
      return 'The run went through to its end.';
    case 'error':
      return 'The run ended in an error.';
    case 'aborted':
      return 'The run was aborted before its end.';
    default:
      return `The run is ${run.status}.`;
  }
}

/**
 * The counts that are worth showing; none while the run has none.
 * @param {Run} run
 * @returns {{name: string, count: number}[]}
 */
export function counts(run) {
  const known = [
    { name: 'Postings', count: run.total_jobs },
    { name: 'Ready', count: run.jobs_ready },
    { name: 'Skipped', count: run.jobs_skipped },
    { name: 'Expired', count: run.jobs_expired },
    { name: 'Failed', count: run.jobs_failed },
  ].flatMap(({ name, count }) => (count === null ? [] : [{ name, count }]));
  return known.some(({ count }) => count > 0) ? known : [];
}

const ACTORS = {
  user: 'by you',
  operator: 'by the operator',
  worker: 'by a worker',
  rescue: 'by the rescue of a dead worker',
};

/**
 * Who did it, as the timeline says it.
 * @param {string} actor
 */
export function by(actor) {
  return ACTORS[actor] ?? 'by a statement in the database';
}
