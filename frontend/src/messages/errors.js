/** Messages about requests that failed, on any page. */

import { isOutcomeKnown } from '../lib/retryPolicy.js';

/** @typedef {import('../api/client.js').ApiError} ApiError */

export const renderErrorMessages = {
  title: 'This page could not be shown',
  text:
    'Something in this page went wrong. A run in progress continues on the server, and your saved companies are safe. ' +
    'Reload the page to continue.',
  reload: 'Reload the page',
};

const UNAVAILABLE = 'The server is temporarily unavailable.';

/**
 * The reason why a request failed. For a fault of the server, with the number under which the operator finds it in the
 * log.
 * @param {ApiError} error
 */
export function failureReason({ status, code, message, problem }) {
  if (status === 503) {
    return UNAVAILABLE;
  }
  return code === 'internal_error' && problem.request_id
    ? `The server failed. If it lasts, tell the operator this number: ${problem.request_id}.`
    : message;
}

/**
 * A message for a query that is retried until it succeeds.
 * @param {ApiError} error
 * @returns {{title: string, sentence: string}}
 */
export function connectionMessage(error) {
  if ([0, 502, 504].includes(error.status)) {
    return { title: 'Connection lost', sentence: 'Connection lost. Trying again …' };
  }
  const title = error.status === 503 ? 'Server unavailable' : 'Server problem';
  return { title, sentence: `${failureReason(error)} Trying again …` };
}

const CHECK_FIRST = 'Check, then try again.';

/**
 * A message for a change that failed: `refused` if the server refused it, else that its outcome is unknown.
 * @param {{refused: string, change: string, advice?: string, isRetried?: boolean}} words `change` completes "We do not know
 *   whether …"; `advice` says what to do then; `isRetried` if an earlier try may have succeeded before a 401
 * @param {ApiError} error
 */
export function changeError({ refused, change, advice = CHECK_FIRST, isRetried = false }, error) {
  const isRefused = isOutcomeKnown(error) || (error.code === 'unauthenticated' && !isRetried);
  return isRefused
    ? `${refused} ${error.message}`
    : `We do not know whether ${change}. ${failureReason(error)} ${advice}`;
}
