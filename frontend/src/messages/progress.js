/** Messages about the progress of a run. */

import { amount, formatCount } from '../lib/format.js';
import { hasJobs, isWorkerKnown, jobsUnchanged } from '../lib/run.js';
import { changes, closingsInWords } from './results.js';

/** @typedef {import('../api/runs.js').Run} Run */

export const progressMessages = {
  boardsBar: 'Boards read',
  jobsBar: 'Jobs done',
  boardsKey: 'Your jobs change only when all boards are read or given up.',
  seeJobs: 'See the jobs of this run',
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
      return boardsHeadline(run);
    case 'ingesting':
      return `${changes(run) || 'Nothing new'} so far, ${formatCount(run.jobs_done)} of ${amount(run.total_jobs ?? 0, 'job')} done`;
    case 'finished':
      return finishedHeadline(run);
    case 'error':
      return 'The run ended with an error';
    case 'aborted':
      return changes(run) ? `${changes(run)} before the abort` : 'Aborted before it brought a job';
    default:
      return `The run is ${run.status}`;
  }
}

/** @param {Run} run */
function boardsHeadline(run) {
  const done = run.companies_read + run.companies_taken_in + run.companies_failed;
  const words = `${formatCount(done)} of ${amount(run.companies_total ?? 0, 'board')} done`;
  if (run.companies_reading > 0) {
    return `Reading boards, ${words}`;
  }
  return run.companies_waiting > 0 ? `Waiting for boards, ${words}` : 'No board is left to read';
}

/** @param {Run} run */
function finishedHeadline(run) {
  const found = changes(run);
  const closings = closingsInWords(run.closings);
  if (closings) {
    return `${found || 'Nothing new'}, ${closings}`;
  }
  return found || unchangedHeadline(run);
}

/**
 * The state of a finished run that changed no job.
 * @param {Run} run
 */
function unchangedHeadline(run) {
  if (hasJobs(run)) {
    return `Nothing new, ${amount(jobsUnchanged(run), 'job')} unchanged`;
  }
  if (run.note) {
    return 'There was nothing to ingest';
  }
  // Runs of the first versions have no counts.
  return run.jobs_ready === null ? 'The run has finished' : 'No job came of this run';
}

/**
 * A remark below the bar of a run under way.
 * @param {Run} run
 */
export function barKey(run) {
  const hasBoardsLeft = run.status === 'initializing' && run.companies_waiting + run.companies_reading > 0;
  if (!hasBoardsLeft) {
    return isWorkerKnown(run) ? '' : 'Waiting for a worker to go on.';
  }
  const failed =
    run.companies_failed > 0 ? `${amount(run.companies_failed, 'board')} could not be read. ` : '';
  const reading = run.companies_reading > 0 ? `${formatCount(run.companies_reading)} being read now. ` : '';
  return `${failed}${reading}${progressMessages.boardsKey}`;
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
  if (run.status !== 'initializing') {
    return null;
  }
  if (checks.reader?.ok === false) {
    return 'No program reads boards on this server at present. Your run is kept and goes on as soon as one is back.';
  }
  return checks.boards?.ok === false
    ? 'Boards wait for more than 5 minutes to be read at present. Your run goes on by itself.'
    : null;
}
