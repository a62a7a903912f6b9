/** Messages about runs: their status, their start and their abort. */

import { amount, formatTime, isolated } from '../lib/format.js';
import { changeError } from './errors.js';

/** @typedef {import('../api/previews.js').Preview} Preview */
/** @typedef {import('../api/runs.js').Run} Run */

/** True of the placeholder task, which leaves the run as it is. */
const PLACEHOLDER = 'This version does not collect jobs yet: the run stays pending until you abort it.';

export const runMessages = {
  abortConfirm: 'Abort run',
  abortCancel: 'Keep running',
  abortText: 'The run ends at once and cannot be resumed.',
  abortTooLate: 'The run had already ended before the abort reached it.',
  alreadyActive: 'This run was already in progress, so no second run was started.',
  checkingAgain: 'Checking the status again.',
  lookingForActive: 'Checking for a run in progress …',
  missing: 'It may belong to another account. Check the address.',
  noReason: 'no reason was recorded.',
  noRuns: 'There are no runs yet.',
  noRunsOfStatus: 'No runs have this status.',
  noOlderRuns: 'There are no older runs.',
  noSuchPage: 'This page of runs does not exist.',
  /** @param {string} runId */
  abortTitle: (runId) => `Abort run ${runId}?`,
  /** @param {number} runId */
  inProgress: (runId) => `Run ${runId} is in progress.`,
  /** @param {number} asOf */
  lastUpdated: (asOf) => `Last updated at ${formatTime(asOf)}.`,
  /** @param {Run} run */
  noJobs: (run) => (run.is_active ? 'No jobs so far.' : 'No jobs were collected.'),
};

/**
 * The state of a run in a sentence.
 * @param {Run} run
 */
export function statusSentence(run) {
  switch (run.status) {
    case 'pending':
      // `dispatched_at` only means that the message was published, not that a worker received it.
      return `The run is waiting to begin. ${run.dispatched_at ? PLACEHOLDER : 'This can take a few minutes.'}`;
    case 'initializing':
      return 'Checking which postings there are.';
    case 'ingesting':
      return 'Collecting jobs.';
    case 'finished':
      return 'The run ended normally.';
    case 'error':
      return 'The run ended with an error.';
    case 'aborted':
      return 'The run was aborted before it finished.';
    default:
      return `The run is ${run.status}.`;
  }
}

const ACTORS = {
  user: 'by you',
  operator: 'by the operator',
  worker: 'automatically',
  rescue: 'automatically, because the collection stopped responding',
};

/**
 * The author of a status change, for the timeline.
 * @param {string} actor
 */
export function actorPhrase(actor) {
  return ACTORS[actor] ?? 'by the operator, in the database';
}

export const startMessages = {
  confirm: 'Start collecting',
  cancel: 'Not yet',
};

/**
 * The reason why a run cannot be started now, or null.
 * @param {Preview | undefined} preview
 */
export function startBlocker(preview) {
  if (!preview) {
    return 'There is no preview yet.';
  }
  if (!preview.is_finished) {
    return 'The preview is not finished yet.';
  }
  if (preview.totals.companies === 0) {
    return 'The preview has no companies.';
  }
  return preview.is_current ? null : 'The preview is out of date.';
}

/**
 * The question before a start.
 * @param {Preview} preview
 */
export function startQuestion({ totals, companies }) {
  const failed = companies.filter(({ state }) => state === 'failed').map(({ name }) => isolated(name));
  const names = failed.length > 5 ? [...failed.slice(0, 4), `${failed.length - 4} others`] : failed;
  const postings = amount(totals.matched, 'posting');
  return {
    title: `Collect ${postings} from ${amount(totals.listed, 'company', 'companies')}?`,
    text: [
      ...(names.length > 0
        ? [`Not included, because their boards could not be read: ${names.join(', ')}.`]
        : []),
      PLACEHOLDER,
    ].join(' '),
  };
}

/** Words for changeError(). */
export const runChanges = {
  start: {
    refused: 'The run was not started.',
    change: 'the run was started',
    advice: 'Try again: the same start is never carried out twice.',
    isRetried: true,
  },
  abort: { refused: 'The run was not aborted.', change: 'the run was aborted' },
};

const START_REFUSALS = {
  preview_outdated: 'Your companies have changed since this preview, so nothing was started.',
  preview_unfinished: 'The preview is not finished yet, so nothing was started.',
  preview_not_found: 'This preview no longer exists, so nothing was started.',
};

/**
 * A message for a start that failed; `needsRefresh` if a new preview is needed. Null for `run_active`, because the page
 * then goes to that run.
 * @param {import('../api/client.js').ApiError | null} error
 */
export function startError(error) {
  if (!error || error.code === 'run_active') {
    return null;
  }
  const refusal = START_REFUSALS[error.code];
  return { sentence: refusal ?? changeError(runChanges.start, error), needsRefresh: Boolean(refusal) };
}
