/** Messages about boards: results of reading one, and failures to find one. Each failure has a reason and advice. */

import { amount, formatClock, formatDuration, isolated } from '../lib/format.js';

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

/** @type {Record<string, FailureMessage>} */
const DETECTION_FAILURES = {
  address_refused: {
    reason: 'This address cannot be used.',
    advice: 'Paste the public https address of the company’s careers page.',
  },
  board_not_recognised: {
    reason: 'No job board that can be read was found at this address.',
    advice: 'Open one of its postings and paste that address, or choose the job board system yourself below.',
  },
  several_boards: { reason: 'This page leads to several boards.', advice: 'Choose one of them.' },
  too_many_requests: { reason: 'Too many attempts.', advice: 'Try again in a minute.' },
  board_busy: {
    reason: 'Many boards of this kind are being read right now.',
    advice: 'Try again in a minute.',
  },
  detect_unavailable: { reason: 'Boards cannot be checked right now.', advice: 'Try again in a moment.' },
  too_many_detections: {
    reason: 'Two boards are already being checked for you.',
    advice: 'Try again when one of them is done.',
  },
  detect_busy: { reason: 'Other boards are being checked right now.', advice: 'Try again in a moment.' },
};

/** The listing outcomes that correspond to error codes of a detection. */
const OUTCOME_OF_CODE = {
  board_not_found: 'not_found',
  board_gone: 'gone',
  board_forbidden: 'forbidden',
  board_throttled: 'throttled',
  board_changed: 'changed',
  board_unreachable: 'unreachable',
  board_moved: 'moved',
  board_out_of_time: 'out_of_time',
};

/** The outcomes of a board that was read. */
const SUCCESSES = ['ok', 'empty', 'partial', 'held'];

/** Advice that differs during a detection, where there is no company yet to remove. */
const DETECTION_ADVICE = {
  not_found: 'Check the spelling of the board’s name.',
  gone: 'Find the company’s new careers page and paste its address.',
  forbidden: 'This company cannot be added.',
  unreachable: 'Check the spelling of the address, or try again in a few minutes.',
};

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

/**
 * The reason why no board was found, and advice.
 * @param {import('../api/client.js').ApiError} error
 * @returns {FailureMessage}
 */
export function detectionError({ status, code, message, problem, retryAfter }) {
  if (status === 0) {
    return { reason: 'No answer came in time.', advice: 'Try again. Some job boards are slow.' };
  }
  if (code === 'board_moved' && problem.candidates?.length) {
    return { reason: 'The board has moved.', advice: 'Choose its new address:' };
  }
  const outcome = OUTCOME_OF_CODE[code];
  if (outcome) {
    const { reason, advice } = listingFailure({ outcome, detail: message, retry_at: problem.retry_at });
    return { reason, advice: DETECTION_ADVICE[outcome] ?? advice };
  }
  const failure = DETECTION_FAILURES[code] ?? { reason: isolated(message), advice: '' };
  if (code === 'address_refused') {
    return { ...failure, reason: isolated(message) };
  }
  return code === 'too_many_requests' && retryAfter
    ? { ...failure, advice: `Try again in ${formatDuration(retryAfter * 1000)}.` }
    : failure;
}
