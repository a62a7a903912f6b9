/** Messages about the progress and the result of a run. */

import { amount, formatCount } from '../lib/format.js';
import { hasJobs, jobsDone, jobsUnchanged } from '../lib/run.js';

/** @typedef {import('../api/runs.js').Run} Run */

export const progressMessages = {
  boardsBar: 'Boards read',
  jobsBar: 'Jobs done',
  boardsKey: 'Your jobs change only when all boards are read or given up.',
  seeJobs: 'See the jobs of this run',
  /** @param {number} runId */
  retryOf: (runId) => `Retry of run ${runId}`,
};

/**
 * The state of a run in a sentence.
 * @param {Run} run
 */
export function headline(run) {
  switch (run.status) {
    case 'pending':
      return run.worker_seen_at ? 'A worker has this run and begins' : 'Waiting for a worker';
    case 'initializing':
      return `Reading boards, ${formatCount(boardsDone(run))} of ${formatCount(run.companies_total)}`;
    case 'ingesting':
      return `${changes(run) || 'Nothing new'} so far, ${formatCount(jobsDone(run))} of ${amount(run.total_jobs ?? 0, 'job')} done`;
    case 'finished':
      return (
        changes(run) || (hasJobs(run) ? 'Nothing new: every job is as it was' : 'No job came of this run')
      );
    case 'error':
      return 'The run ended with an error';
    case 'aborted':
      return changes(run) ? `${changes(run)} before the abort` : 'Aborted before any job was changed';
    default:
      return `The run is ${run.status}`;
  }
}

/** @param {Run} run */
function boardsDone(run) {
  return run.companies_read + run.companies_taken_in + run.companies_failed;
}

/**
 * The changes of a run in words: 12 new jobs, 3 changed, 1 gone. Empty if there are none.
 * @param {Run} run
 */
export function changes(run) {
  const parts = [
    { count: run.jobs_new, word: 'new' },
    { count: run.jobs_changed, word: 'changed' },
    { count: run.jobs_reopened, word: 'back again' },
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
 * The companies of a run in a few words, for the history; empty for a run without any.
 * @param {Run} run
 */
export function runSubject({
  companies_total: total,
  companies_failed: failed,
  retry_of: retryOf,
  previewed,
}) {
  return [
    total > 0 && amount(total, 'company', 'companies'),
    failed > 0 && `${formatCount(failed)} not read`,
    previewed !== null && previewed !== undefined && `${formatCount(previewed)} previewed`,
    retryOf && progressMessages.retryOf(retryOf),
  ]
    .filter(Boolean)
    .join(' · ');
}

/**
 * A remark below the bar of a run under way.
 * @param {Run} run
 */
export function barKey(run) {
  if (run.status !== 'initializing') {
    return run.worker_seen_at ? '' : 'Waiting for a worker to go on.';
  }
  const failed =
    run.companies_failed > 0 ? `${amount(run.companies_failed, 'board')} could not be read. ` : '';
  const reading = run.companies_reading > 0 ? `${formatCount(run.companies_reading)} being read now. ` : '';
  return `${failed}${reading}${progressMessages.boardsKey}`;
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
  return [
    { name: 'New', count: run.jobs_new, words: 'Not among your jobs before this run.' },
    { name: 'Changed', count: run.jobs_changed, words: 'Yours already; the board says something else now.' },
    {
      name: 'Back again',
      count: run.jobs_reopened,
      words: 'They were gone, and are on their board once more.',
    },
    { name: 'Unchanged', count: jobsUnchanged(run), words: 'Exactly as they were.' },
    { name: 'Gone', count: run.jobs_expired, words: 'Missed on their board twice. Marked, never deleted.' },
    {
      name: 'Could not be read',
      count: run.jobs_failed,
      words: 'Postings that no program could make sense of. They are not among your jobs.',
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
  if (total === previewed) {
    return `As previewed: ${formatCount(previewed)}.`;
  }
  const came = `${formatCount(previewed)} were previewed, ${formatCount(total ?? 0)} came`;
  return failed > 0 ? `${came}. Companies that could not be read brought none.` : `${came}.`;
}

const WAITS = 'Your run is kept and starts as soon as one is back. If this lasts, tell the operator.';

/**
 * The reason why a run waits, or null. A server that keeps its parts to itself only tells that one of them fails.
 * @param {Run} run
 * @param {import('../api/health.js').Health} health
 */
export function runWaitingReason(run, { status, checks }) {
  if (!checks) {
    return status === 'ok'
      ? null
      : 'A part of this server does not work at present, so your run may wait. It goes on by itself.';
  }
  if (checks.worker?.ok === false) {
    return run.status === 'pending'
      ? `No worker is running on this server at present. ${WAITS}`
      : 'No worker is running on this server at present. Your run is kept and goes on as soon as one is back.';
  }
  return run.status === 'initializing' && checks.reader?.ok === false
    ? 'No program reads boards on this server at present. Your run is kept and goes on as soon as one is back.'
    : null;
}
