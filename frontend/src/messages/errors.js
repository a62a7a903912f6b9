/** Messages about requests that failed, on any page. */

import { isOutcomeKnown, UNAVAILABLE_STATUSES } from '../lib/retryPolicy.js';

/** @typedef {import('../api/client.js').ApiError} ApiError */

export const renderErrorMessages = {
  title: 'This page could not be shown',
  text:
    'Something in this page went wrong. A run in progress continues on the server, and your saved companies are safe. ' +
    'Reload the page to continue.',
  reload: 'Reload the page',
};

/**
 * A message for a query that is retried until it succeeds.
 * @param {ApiError} error
 * @returns {{title: string, sentence: string}}
 */
export function connectionMessage({ status, message }) {
  return UNAVAILABLE_STATUSES.includes(status)
    ? { title: 'Connection lost', sentence: 'Connection lost, retrying.' }
    : { title: 'Server problem', sentence: `The server has a problem, retrying. ${message}` };
}

/**
 * A message for a change that may or may not have happened.
 * @param {string} change names the change: "The … was not confirmed."
 * @param {ApiError} error
 */
export function unconfirmed(change, { status, message }) {
  return status === 0
    ? `The ${change} was not confirmed. ${message} The ${change} may still have gone through. You can try again.`
    : `The ${change} was not confirmed. ${message}`;
}

/**
 * A message for a change that failed: `refused` if the server refused it, else that it was not confirmed.
 * @param {{refused: string, change: string}} words
 * @param {ApiError} error
 */
export function changeError({ refused, change }, error) {
  return isOutcomeKnown(error) ? `${refused} ${error.message}` : unconfirmed(change, error);
}
