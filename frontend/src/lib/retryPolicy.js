/** Retries of a change without an answer. Only for changes that carry an idempotency key. */

/** @typedef {import('../api/client.js').ApiError} ApiError */

/** No answer, a proxy's answer, or a server without its database. */
export const UNAVAILABLE_STATUSES = [0, 502, 503, 504];

const MAX_RETRIES = 3;
const FIRST_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 5000;

/**
 * True if the outcome of the change is unknown and retries are left.
 * @param {number} failures before this one
 * @param {ApiError} error
 */
export function shouldRetry(failures, { status, code }) {
  return failures < MAX_RETRIES && (code === 'no_answer' || UNAVAILABLE_STATUSES.includes(status));
}

/**
 * The delay before the next try in milliseconds: doubled each time, at least Retry-After, at most MAX_RETRY_DELAY_MS.
 * @param {number} failures before this one
 * @param {ApiError} error
 */
export function retryDelay(failures, { retryAfter = 0 }) {
  return Math.min(Math.max(FIRST_RETRY_DELAY_MS * 2 ** failures, retryAfter * 1000), MAX_RETRY_DELAY_MS);
}

/**
 * True if the server refused the change, so its outcome is known and a retry needs a new key. 401, 5xx and an unreadable
 * answer leave it unknown.
 * @param {ApiError} error
 */
export function isOutcomeKnown({ status, code }) {
  return status >= 400 && status < 500 && status !== 401 && code !== 'no_answer';
}
