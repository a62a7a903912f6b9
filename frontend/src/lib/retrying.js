/** Asking again for a change whose answer was lost; only for one that the server knows again. */

import { AWAY } from './trouble.js';

/** @typedef {import('../api/client.js').ApiError} ApiError */

const RETRIES = 3;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/**
 * Whether to ask again: what became of the change is not known, and not too much was asked already.
 * @param {number} failures before this one
 * @param {ApiError} error
 */
export function isWorthRetrying(failures, { status, code }) {
  return failures < RETRIES && (code === 'no_answer' || AWAY.includes(status));
}

/**
 * How many milliseconds to wait before that: ever longer, or as long as the server says, within a bound.
 * @param {number} failures before this one
 * @param {ApiError} error
 */
export function pauseBeforeRetry(failures, { retryAfter = 0 }) {
  return Math.min(Math.max(FIRST_PAUSE_MS * 2 ** failures, retryAfter * 1000), LONGEST_PAUSE_MS);
}

/**
 * Whether the server has said what became of a change, so that asking again would be another one. That nobody is signed in
 * says nothing of it, nor does a fault, or an answer that cannot be read.
 * @param {ApiError} error
 */
export function isRefusal({ status, code }) {
  return status >= 400 && status < 500 && status !== 401 && code !== 'no_answer';
}
