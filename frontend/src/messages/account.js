/** Messages about signing in, sessions, tokens and the password. */

import { formatDuration } from '../lib/format.js';
import { isOutcomeKnown } from '../lib/retryPolicy.js';
import { changeError, failureReason } from './errors.js';

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
  deleteHelp: 'This ends your account for good. Nobody can bring it back.',
  deleteText:
    'These go with it: your companies and their filters, your previews, your runs (one in progress ends at once), ' +
    'all your jobs with their history, and all your sessions and tokens.',
  listOutdated: 'This list may be out of date.',
};

/** Words for changeError(). */
export const accountChanges = {
  password: { refused: 'The password was not changed.', change: 'your password was changed' },
  token: { refused: 'The token was not created.', change: 'the token was created' },
  delete: { refused: 'The account was not deleted.', change: 'the account was deleted' },
  revoke: {
    refused: 'The session or token could not be ended.',
    change: 'the session or token was ended',
  },
};

/**
 * The errors of the password that the deletion of an account asks for; undefined if it was not at fault.
 * @param {import('../api/client.js').ApiError | null} error
 * @returns {string[] | undefined}
 */
export function deletePasswordErrors(error) {
  if (!error) {
    return undefined;
  }
  const { code, message, problem } = error;
  return problem.errors?.password ?? (PASSWORD_REFUSALS.includes(code) ? [message] : undefined);
}

const PASSWORD_REFUSALS = ['wrong_password', 'sign_in_refused'];

/**
 * A message for a deletion that failed.
 * @param {import('../api/client.js').ApiError} error
 */
export function deleteError(error) {
  return error.code === 'too_many_requests'
    ? `${accountChanges.delete.refused} ${signInError(error)}`
    : changeError(accountChanges.delete, error);
}
