/** Messages about boards: results of reading one. Each failure has a reason and advice. */

import { amount, formatClock, isolated } from '../lib/format.js';

/** @typedef {{reason: string, advice: string}} FailureMessage */

/** @type {Record<string, FailureMessage>} */
const LISTING_FAILURES = {
  not_found: {
    reason: 'This board does not exist.',
    advice: 'Its address may have changed, or programs cannot read its postings. Open the board to check.',
  },
  gone: {
    reason: 'This board no longer exists.',
    advice: 'Find the company’s new careers page and add it, or remove the company.',
  },
  forbidden: {
    reason: 'This board does not allow programs to read it.',
    // The operator of this server may be who forbids it.
    advice: 'Read the postings on the board itself, or remove the company.',
  },
  throttled: { reason: 'The job board limits how often we may ask.', advice: 'Try again later.' },
  changed: {
    reason: 'The job board’s answer could not be understood.',
    advice:
      'Its format may have changed. Tell the operator; until then, read the postings on the board itself.',
  },
  unreachable: { reason: 'The job board did not answer.', advice: 'Try again in a few minutes.' },
  moved: {
    reason: 'The board has moved.',
    advice: 'Open the board to find its new address, then add the company with that address.',
  },
  out_of_time: {
    reason: 'Reading the board took too long.',
    advice: 'Try again. A large board may need a second attempt.',
  },
};

/** @type {FailureMessage} */
const UNKNOWN_FAILURE = { reason: 'The board could not be read.', advice: 'Try again.' };

/** The outcomes of a board that was read. */
const SUCCESSES = ['ok', 'empty', 'partial', 'held'];

/**
 * The reason why a board could not be read, and advice. The server's `detail` is the more exact reason. For a changed
 * format it names fields of the parser, and is left out.
 * @param {{outcome: string | null, detail: string | null, retry_at?: string | null}} listing
 * @returns {FailureMessage}
 */
export function listingFailure({ outcome, detail, retry_at: retryAt }) {
  const { reason, advice } = LISTING_FAILURES[outcome ?? ''] ?? UNKNOWN_FAILURE;
  return {
    reason: detail && outcome !== 'changed' ? isolated(detail) : reason,
    advice: outcome === 'throttled' && retryAt ? `Try again after ${formatClock(retryAt)}.` : advice,
  };
}

/** @param {string} source the name of a source that the operator has switched off */
export const switchedOffMessage = (source) => `Reading ${source} is switched off on this server.`;

/**
 * A company's last listing in words, or null.
 * @param {import('../api/companies.js').LastListing | null} listing
 */
export function lastListing(listing) {
  if (!listing) {
    return null;
  }
  if (SUCCESSES.includes(listing.outcome)) {
    return { failed: false, text: readListing(listing) };
  }
  const { reason, advice } = listingFailure(listing);
  return { failed: true, text: `${reason} ${advice}` };
}

/** @param {import('../api/companies.js').LastListing} listing */
function readListing({ outcome, detail, postings }) {
  const count = postings ? amount(postings, 'posting') : 'No postings';
  if (!detail) {
    return count;
  }
  // A board of which no posting can be read has some all the same.
  return outcome === 'partial' && !postings ? isolated(detail) : `${count}. ${isolated(detail)}`;
}
