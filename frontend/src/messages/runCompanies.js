/** Messages about the companies of a run, their retry, and the question about closings. */

import { amount, formatCount, formatMoment, isolated } from '../lib/format.js';
import { listingFailure } from './boards.js';
import { changeError } from './errors.js';
import { runChanges } from './runs.js';

/**
 * @typedef {import('../api/runCompanies.js').RunCompany} RunCompany
 * @typedef {import('../api/runs.js').Closings} Closings
 * @typedef {import('../api/client.js').ApiError} ApiError
 */

export const runCompanyMessages = {
  notLoaded: 'The companies of this run could not be loaded. Trying again …',
  retry: 'Retry failed companies',
  answerLater: 'You can answer when this run has ended.',
  /** @param {number} failed */
  retryHelp: (failed) =>
    `Starts another run of ${failed === 1 ? 'this company' : 'these companies'} alone, without those that you have removed or disabled.`,
  runActive: 'Another run is in progress, so no run was started.',
};

const STATES = {
  waiting: 'Waiting',
  reading: 'Reading now',
  read: 'Read',
  taken_in: 'Done',
  failed: 'Not read',
};

/** The states of companies that a run left behind at its end. */
const ENDED_STATES = { waiting: 'Not reached', reading: 'Not reached', read: 'Not finished' };

/**
 * The state of a company of a run, in a few words.
 * @param {RunCompany} company
 * @param {boolean} isActive true unless the run has ended
 */
export function runCompanyState({ state, outcome, matched }, isActive) {
  // The board of a company that was given up later could be read.
  const wasRead = state === 'failed' && outcome === 'out_of_time' && matched !== null;
  return wasRead ? 'Not finished' : (!isActive && ENDED_STATES[state]) || (STATES[state] ?? state);
}

/**
 * A company's numbers in words, or the reason why it has none.
 * @param {RunCompany} company
 */
export function runCompanyWords(company) {
  const { state, found, matched } = company;
  if (state === 'failed') {
    const { reason, advice } = listingFailure(company);
    const done = resultWords(company);
    return `${reason} ${advice}${done && ` In this run: ${done}.`}`;
  }
  if (found === null || matched === null) {
    return '';
  }
  const unread = company.unparsed ? ` ${amount(company.unparsed, 'posting')} could not be read.` : '';
  const remark = company.detail ? ` ${isolated(company.detail)}` : '';
  const match = `${formatCount(matched)} of ${amount(found, 'posting')} match`;
  const results = state === 'taken_in' ? resultWords(company) : '';
  return `${match}${results && `: ${results}`}.${unread}${remark}`;
}

/** @param {RunCompany} company */
function resultWords({ new: added, changed, reopened, unchanged, expired, held }) {
  return [
    { count: added, word: 'new' },
    { count: changed, word: 'changed' },
    { count: reopened, word: 'back again' },
    { count: unchanged, word: 'unchanged' },
    { count: expired, word: 'gone' },
    { count: held, word: 'in question' },
  ]
    .filter(({ count }) => count)
    .map(({ count, word }) => `${formatCount(count ?? 0)} ${word}`)
    .join(', ');
}

/** @param {RunCompany} company */
export function companyPromise({ previewed, matched, state }) {
  return previewed === null || (state === 'taken_in' && previewed === matched)
    ? ''
    : `${formatCount(previewed)} previewed`;
}

const RETRY_REFUSALS = {
  nothing_to_retry:
    'There is nothing to retry: the companies that failed are no longer among yours, or are disabled.',
  run_active: runCompanyMessages.runActive,
  run_not_ended: 'This run has not ended yet. Retry when it has.',
};

/**
 * A message for a retry that failed.
 * @param {ApiError} error
 */
export function retryError(error) {
  return RETRY_REFUSALS[error.code] ?? changeError(runChanges.retry, error);
}

/**
 * The question about the closings of a run, its explanation and its two answers.
 * @param {Closings} closings
 */
export function closingsQuestion({ count, open }) {
  const jobs = amount(count, 'job');
  return {
    title: `Are ${jobs} really gone?`,
    text:
      `Their boards no longer have them, out of the ${formatCount(open)} open jobs that you had. ` +
      'That is unusually many, so this run has closed none of them.',
    expire: `They are gone, close ${jobs}`,
    keep: 'Keep them open',
  };
}

/**
 * The outcome of the question in a sentence.
 * @param {Closings} closings
 */
export function closingsOutcome({ state, expire, expired, count, answered_at: at }) {
  if (state === 'superseded') {
    return `A later run has replaced the question about ${amount(count, 'job')} that may be gone.`;
  }
  const when = at ? ` on ${formatMoment(at)}` : '';
  return expire
    ? `You closed ${amount(expired ?? 0, 'job')}${when}.`
    : `You kept ${amount(count, 'job')} open${when}.`;
}

const CLOSINGS_REFUSALS = {
  no_closings: 'This run asks nothing any more.',
  closings_answered: 'This question has been answered already.',
  closings_superseded: 'A later run has replaced this question.',
  run_active: 'A run is in progress. Answer when it has ended.',
};

/**
 * A message for an answer that failed.
 * @param {ApiError} error
 */
export function closingsError(error) {
  return CLOSINGS_REFUSALS[error.code] ?? changeError(runChanges.closings, error);
}
