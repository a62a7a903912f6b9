/** Messages about signing in, sessions, tokens and the password. */

export const signInMessages = {
  expired: 'Your session has ended. Sign in to continue where you were. Nothing you typed was lost.',
  retrySignOut: 'Not signed out, try again',
};

/**
 * The reason why a sign-in failed.
 * @param {import('../api/client.js').ApiError} error
 */
export function signInError({ code, message, retryAfter }) {
  if (code === 'too_many_requests') {
    return `Too many attempts. Try again in ${Math.ceil((retryAfter ?? 60) / 60)} min.`;
  }
  return code === 'sign_in_refused' ? message : `You could not be signed in. ${message}`;
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
  password: { refused: 'The password was not changed.', change: 'new password' },
  token: { refused: 'The token was not created.', change: 'new token' },
  revoke: { refused: 'It could not be revoked.', change: 'revocation' },
};
