/** Messages about a board that could not be found or read before it is added. Each has a reason and advice. */

import { formatDuration, isolated } from '../lib/format.js';
import { listingFailure } from './boards.js';

/** @typedef {import('./boards.js').FailureMessage} FailureMessage */

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

/** Advice that differs during a detection, where there is no company yet to remove. */
const DETECTION_ADVICE = {
  not_found: 'Check the spelling of the board’s name.',
  gone: 'Find the company’s new careers page and paste its address.',
  forbidden: 'This company cannot be added.',
  unreachable: 'Check the spelling of the address, or try again in a few minutes.',
};

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
