/** What became of looking at a board: why, and what to do about it. */

import { amount, formatClock, isolated } from './format.js';

/** @type {Record<string, {why: string, advice: string}>} */
const FAILURES = {
  not_found: { why: 'There is no such board.', advice: 'Check the board’s name or remove the company.' },
  gone: { why: 'The board is not there any more.', advice: 'Look for the new one or remove the company.' },
  forbidden: {
    why: 'The system does not let programs read this board.',
    advice: 'Only its owner can change that: look at the postings there, and remove the company here.',
  },
  throttled: { why: 'The system asks to be left alone for a while.', advice: 'Try again later.' },
  changed: {
    why: 'The answer could not be understood.',
    advice: 'The system’s answer has changed; a newer version of this program may read it.',
  },
  unreachable: { why: 'The system does not answer.', advice: 'Try again in a few minutes.' },
  moved: {
    why: 'The board has moved.',
    advice: 'Open its page, see where it leads, and add the company with that address.',
  },
  out_of_time: { why: 'It took too long.', advice: 'Try again; a big board may need a second time.' },
};

/**
 * Why a board could not be read, and what to do.
 * @param {{outcome: string | null, detail: string | null, retry_at?: string | null}} failure
 */
export function failure({ outcome, detail, retry_at: retryAt }) {
  const known = FAILURES[outcome ?? ''] ?? { why: 'It failed.', advice: 'Try again.' };
  const again = outcome === 'throttled' && retryAt ? `Try again after ${formatClock(retryAt)}.` : null;
  return { why: detail ? isolated(detail) : known.why, advice: again ?? known.advice };
}

/**
 * The last listing of a company, in words; null where there is none.
 * @param {import('../api/companies.js').LastListing | null} listing
 */
export function listingInWords(listing) {
  if (!listing) {
    return null;
  }
  if (listing.outcome === 'ok' || listing.outcome === 'empty') {
    return { failed: false, text: listing.postings ? amount(listing.postings, 'posting') : 'No postings' };
  }
  const { why, advice } = failure(listing);
  return { failed: true, text: `${why} ${advice}` };
}
