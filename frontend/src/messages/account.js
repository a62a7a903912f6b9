/** Messages about signing in, sessions, tokens and the password. */

import { formatDuration } from '../lib/format.js';
import { isOutcomeKnown } from '../lib/retryPolicy.js';
import { failureReason } from './errors.js';

export const signInMessages = {
  expired: 'Your session has ended. Sign in to continue where you were. Nothing you typed was lost.',
  retrySignOut: 'Sign-out not confirmed, try again',
};

/**
 * The reason why a sign-in failed.
 * @param {import('../api/client.js').ApiError} error
 */
export function signInError(error) {
  const { code, message, retryAfter } = error;
  if (code === 'too_many_requests') {
    return `Too many attempts. Try again in ${formatDuration((retryAfter ?? 60) * 1000)}.`;
  }
  if (code === 'sign_in_refused') {
    return message;
  }
  return isOutcomeKnown(error)
    ? `You could not be signed in. ${message}`
    : `${failureReason(error)} Try again.`;
}

export const accountMessages = {
  passwordHelp: 'Changing your password ends all your other sessions and revokes all your tokens.',
  passwordHint: '12 characters or more.',
  passwordChanged: 'Your password was changed.',
  tokenExpiryHint: 'Leave empty for a token that does not expire.',
  tokenCreated: 'This is your token. Copy it now; it will not be shown again.',
  listOutdated: 'This list may be out of date.',
};

/** Words for changeError(). */
export const accountChanges = {
  password: { refused: 'The password was not changed.', change: 'your password was changed' },
  token: { refused: 'The token was not created.', change: 'the token was created' },
  revoke: {
    refused: 'The session or token could not be ended.',
    change: 'the session or token was ended',
  },
};
