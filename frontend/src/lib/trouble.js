/** @typedef {import('../api/client.js').ApiError} ApiError */

/** Answers that come from nobody, or from somebody on the way who gave up, or from a server without its database. */
export const AWAY = [0, 502, 503, 504];

/**
 * What is to be told while a question is asked again and again without an answer.
 * @param {ApiError} error
 * @returns {{title: string, sentence: string}}
 */
export function trouble({ status, message }) {
  return AWAY.includes(status)
    ? { title: 'Connection lost', sentence: 'Connection lost, retrying.' }
    : { title: 'Server problem', sentence: `The server has a problem, retrying. ${message}` };
}

/**
 * What is to be told when a change was asked for and no success came back.
 * @param {string} what the change
 * @param {ApiError} error
 */
export function unconfirmed(what, { status, message }) {
  return `The ${what} was not confirmed. ${message}${status === 0 ? ' You can try again.' : ''}`;
}
