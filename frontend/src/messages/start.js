/** Messages about the start of a run from a preview. */

import { amount, formatCount, isolated } from '../lib/format.js';
import { changeError } from './errors.js';
import { runChanges } from './runs.js';

/** @typedef {import('../api/previews.js').Preview} Preview */

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
  if (preview.totals.companies === 0) {
    return 'The preview has no companies.';
  }
  return preview.is_current ? null : 'The preview is out of date.';
}

/**
 * The question before a start: the postings that come, the boards that the run waits for, and those left out.
 * @param {Preview} preview
 */
export function startQuestion({ totals, companies }) {
  const failed = companies.filter(({ state }) => state === 'failed').map(({ name }) => isolated(name));
  const names = failed.length > 5 ? [...failed.slice(0, 4), `${failed.length - 4} others`] : failed;
  const postings = amount(totals.matched, 'posting');
  const from = amount(totals.listed, 'company', 'companies');
  return {
    title: totals.waiting > 0 ? 'Start before every board is read?' : `Collect ${postings} from ${from}?`,
    text: [
      ...(totals.waiting > 0 ? [`So far, ${postings} of ${from} match.`, boardsLeft(totals.waiting)] : []),
      ...(names.length > 0
        ? [`These boards could not be read: ${names.join(', ')}. The run tries again where it may.`]
        : []),
      'What matches becomes your jobs. A job that is gone is marked, never deleted.',
    ].join(' '),
  };
}

/**
 * A sentence beside Start while the preview is unfinished; empty afterwards.
 * @param {Preview} preview
 */
export function startHint({ totals, is_finished: isFinished }) {
  return isFinished || totals.waiting === 0
    ? ''
    : `${amount(totals.matched, 'posting')} so far. ${boardsLeft(totals.waiting)}`;
}

/** @param {number} boards */
function boardsLeft(boards) {
  return `The run waits for the ${boards === 1 ? 'board that is' : `${formatCount(boards)} boards that are`} left.`;
}

const START_REFUSALS = {
  preview_outdated: 'Your companies have changed since this preview, so nothing was started.',
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
