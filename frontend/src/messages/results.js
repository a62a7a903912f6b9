/** Messages about the result of a run: its changes, its counts and the promise of its preview. */

import { amount, formatCount } from '../lib/format.js';
import { hasJobs, jobsReadyUncounted, jobsUnchanged } from '../lib/run.js';

/** @typedef {import('../api/runs.js').Run} Run */

/** @param {number} runId */
export const retryOf = (runId) => `Retry of run ${runId}`;

/**
 * The changes of a run in words: 12 new jobs, 3 changed, 1 gone. Empty if there are none.
 * @param {Run} run
 */
export function changes(run) {
  const parts = [
    { count: run.jobs_new, word: 'new' },
    { count: run.jobs_changed, word: 'changed' },
    { count: run.jobs_reopened, word: 'back again' },
    { count: jobsReadyUncounted(run), word: 'new or changed' },
    { count: run.jobs_expired ?? 0, word: 'gone' },
  ].filter(({ count }) => count > 0);
  return parts
    .map(({ count, word }, index) =>
      index > 0
        ? `${formatCount(count)} ${word}`
        : `${formatCount(count)} ${word === 'new' ? `new ${count === 1 ? 'job' : 'jobs'}` : `${count === 1 ? 'job' : 'jobs'} ${word}`}`,
    )
    .join(', ');
}

/**
 * The closings that a run asks about, or that its user confirmed. Empty if they are kept open, or there are none.
 * @param {Run['closings']} closings
 */
export function closingsInWords(closings) {
  if (!closings || closings.expire === false) {
    return '';
  }
  return closings.expire
    ? `${amount(closings.expired ?? 0, 'job')} closed by you`
    : `${amount(closings.count, 'job')} may be gone`;
}

/**
 * The companies of a run in a few words, for the history; empty for a run without any.
 * @param {Run} run
 */
export function runSubject({
  companies_total: total,
  companies_failed: failed,
  retry_of: previous,
  previewed,
}) {
  return [
    total && amount(total, 'company', 'companies'),
    failed > 0 && `${formatCount(failed)} failed`,
    previewed !== null && previewed !== undefined && `${formatCount(previewed)} previewed`,
    previous && retryOf(previous),
  ]
    .filter(Boolean)
    .join(' · ');
}

/**
 * The counts of a run, each with an explanation; none before there are any. Counts that are not known yet are left out.
 * @param {Run} run
 * @returns {{name: string, count: number, words: string}[]}
 */
export function runCounts(run) {
  if (!hasJobs(run) && !run.jobs_failed) {
    return [];
  }
  const uncounted = jobsReadyUncounted(run);
  return [
    { name: 'New or changed', count: uncounted || null, words: 'This run did not count them apart.' },
    { name: 'New', count: uncounted ? null : run.jobs_new, words: 'Not among your jobs before this run.' },
    {
      name: 'Changed',
      count: uncounted ? null : run.jobs_changed,
      words: 'Yours already; the board says something else now.',
    },
    {
      name: 'Back again',
      count: uncounted ? null : run.jobs_reopened,
      words: 'They were gone, and are on their board once more.',
    },
    { name: 'Unchanged', count: jobsUnchanged(run), words: 'Yours already; their board brought no change.' },
    {
      name: 'Gone',
      count: run.jobs_expired,
      words: 'Not on their board in at least two readings. Marked, never deleted.',
    },
    {
      name: 'Could not be read',
      count: run.jobs_failed,
      words: 'Postings that this run could not read. Jobs you have of them stay as they were.',
    },
  ].flatMap(({ count, ...rest }) => (count === null ? [] : [{ count, ...rest }]));
}

/**
 * The promise of the preview beside the result; empty if the preview was not finished, or not used.
 * @param {Run} run
 */
export function promise({ previewed, status, total_jobs: total, companies_failed: failed }) {
  if (previewed === null || previewed === undefined) {
    return '';
  }
  if (status !== 'finished') {
    return `${amount(previewed, 'posting was', 'postings were')} previewed.`;
  }
  if (total === previewed && failed === 0) {
    return `As previewed: ${formatCount(previewed)}.`;
  }
  const matched = `${formatCount(previewed)} were previewed, ${formatCount(total ?? 0)} matched`;
  return failed > 0 ? `${matched}. Companies that failed are not counted.` : `${matched}.`;
}
