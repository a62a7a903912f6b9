/** What to tell when a board was looked for and not found. */

import { formatDuration, isolated } from './format.js';
import { failure } from './outcome.js';

/** @type {Record<string, {why: string, advice: string}>} */
const SENTENCES = {
  address_refused: {
    why: 'This address cannot be looked at.',
    advice: 'Paste the public https address of the company’s careers page.',
  },
  board_not_recognised: {
    why: 'No system that can be read was found at this address.',
    advice:
      'Open a posting there and paste its address instead, or choose the system and the board yourself below.',
  },
  several_boards: { why: 'This page leads to several boards.', advice: 'Which of them is it?' },
  too_many_requests: {
    why: 'That was very often in a short time.',
    advice: 'Wait a minute, then try again.',
  },
  board_busy: {
    why: 'The system is asked as often as it may be right now.',
    advice: 'Try again in a minute.',
  },
  detect_unavailable: {
    why: 'No board can be looked at right now.',
    advice: 'Try again in a moment.',
  },
  detect_busy: { why: 'Other boards are being looked at.', advice: 'Try again in a moment.' },
};

/** What a refusal is called where the same happens to a company of the list. */
const OUTCOMES = {
  board_not_found: 'not_found',
  board_gone: 'gone',
  board_forbidden: 'forbidden',
  board_throttled: 'throttled',
  board_changed: 'changed',
  board_unreachable: 'unreachable',
  board_moved: 'moved',
  board_out_of_time: 'out_of_time',
};

/** What to do differs where there is no company yet that could be removed. */
const ADVICE = {
  not_found: 'Check how the board’s name is spelt.',
  gone: 'Look for the company’s new careers page and paste its address.',
  forbidden: 'It cannot be added.',
};

/**
 * The address that was meant: https where no scheme was typed.
 * @param {string} typed
 */
export function asAddress(typed) {
  const address = typed.trim();
  return /^[a-z][a-z\d+.-]*:/i.test(address) ? address : `https://${address}`;
}

/**
 * Why there is no board, and what to do.
 * @param {import('../api/client.js').ApiError} error
 * @returns {{why: string, advice: string}}
 */
export function detectTrouble({ status, code, message, problem, retryAfter }) {
  if (status === 0) {
    return { why: 'There was no answer.', advice: 'Try again; some systems are slow.' };
  }
  if (code === 'board_moved' && problem.candidates?.length) {
    return { why: 'The board has moved.', advice: 'Do you want to follow it?' };
  }
  const outcome = OUTCOMES[code];
  if (outcome) {
    const { why, advice } = failure({ outcome, detail: message, retry_at: problem.retry_at });
    return { why, advice: ADVICE[outcome] ?? advice };
  }
  if (code === 'too_many_requests' && retryAfter) {
    const { why } = SENTENCES[code];
    return { why, advice: `Try again in ${formatDuration(retryAfter * 1000)}.` };
  }
  return SENTENCES[code] ?? { why: isolated(message), advice: '' };
}
