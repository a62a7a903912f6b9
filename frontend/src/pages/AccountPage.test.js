import { screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { axeViolations, open } from '../test/open.js';
import { ANN, NO_CONTENT, PATHS, refusal, serve } from '../test/server.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0';
const SESSION = {
  credential_id: 8,
  kind: 'session',
  name: FIREFOX,
  created_at: '2026-01-02T10:00:00Z',
  last_used_at: '2026-01-02T11:00:00Z',
  expires_at: '2026-02-01T10:00:00Z',
  is_current: true,
};
const TOKEN = {
  ...SESSION,
  credential_id: 9,
  kind: 'token',
  name: 'backup',
  last_used_at: null,
  expires_at: null,
  is_current: false,
};

function serveAccount(more = {}) {
  const answers = {
    [PATHS.me]: ANN,
    [PATHS.credentials]: { credentials: [TOKEN, SESSION], next: null },
    ...more,
  };
  return { answers, requests: serve(answers) };
}

test('sessions and tokens are listed; the current session has no Revoke', async () => {
  serveAccount();
  const { container } = open('/account');
  const [token, session] = await within(await screen.findByRole('list', { name: '' })).findAllByRole(
    'listitem',
  );
  expect(token).toHaveTextContent('backup token');
  expect(token).toHaveTextContent('never used, does not expire');
  expect(session).toHaveTextContent('Firefox on Linux sessionthis session');
  expect(session).toHaveTextContent(/last used .*, expires /);
  expect(screen.getAllByRole('button', { name: /^Revoke/ })).toHaveLength(1);
  expect(await axeViolations(container)).toEqual([]);
});

test('Create token shows the new token with a copy button', async () => {
  const { requests } = serveAccount({ [PATHS.createToken]: { credential_id: 10, token: 'ji_secret' } });
  const { user, container } = open('/account');
  await user.type(await screen.findByLabelText('Token name'), 'cron');
  await user.type(screen.getByLabelText('Expires after (days)'), '30');
  await user.click(screen.getByRole('button', { name: 'Create token' }));
  expect(await screen.findByText('ji_secret')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Copy the token' })).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.createToken, { name: 'cron', expires_in_days: 30 });
  expect(await axeViolations(container)).toEqual([]);
});

test('Show more adds the next page of sessions and tokens', async () => {
  serveAccount({
    [PATHS.credentials]: { credentials: [TOKEN], next: '9' },
    [`${PATHS.credentials}?after=9`]: { credentials: [SESSION], next: null },
  });
  const { user, container } = open('/account');
  await user.click(await screen.findByRole('button', { name: 'Show more' }));
  expect(await screen.findByText('Firefox on Linux')).toBeVisible();
  expect(screen.getByText('backup')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
});

test('Create token reports that there are too many', async () => {
  const detail = 'There are already 50 tokens, the maximum. Revoke one that is no longer needed.';
  serveAccount({ [PATHS.createToken]: refusal(409, 'too_many_tokens', { detail }) });
  const { user } = open('/account');
  await user.type(await screen.findByLabelText('Token name'), 'cron');
  await user.click(screen.getByRole('button', { name: 'Create token' }));
  expect(await screen.findByRole('alert')).toHaveTextContent(`The token was not created. ${detail}`);
  expect(screen.getByLabelText('Token name')).toHaveValue('cron');
});

test('Revoke removes a token', async () => {
  const { answers, requests } = serveAccount();
  answers['DELETE /api/auth/credentials/9'] = () => {
    answers[PATHS.credentials] = { credentials: [SESSION], next: null };
    return NO_CONTENT;
  };
  const { user } = open('/account');
  await user.click(await screen.findByRole('button', { name: 'Revoke backup' }));
  await screen.findByText('Firefox on Linux');
  expect(requests).toHaveBeenCalledWith('DELETE /api/auth/credentials/9');
  await expect.poll(() => screen.queryByText('backup')).toBeNull();
});

test('Change password reports a wrong password at its field, then succeeds', async () => {
  const wrong = { current_password: ['This is not your current password.'] };
  const { answers } = serveAccount({ [PATHS.password]: refusal(422, 'wrong_password', { errors: wrong }) });
  const { user, container } = open('/account');
  await user.type(await screen.findByLabelText('Current password'), 'wrong');
  await user.type(screen.getByLabelText('New password'), 'a whole new password');
  await user.click(screen.getByRole('button', { name: 'Change password' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('The password was not changed.');
  expect(screen.getByLabelText('Current password')).toHaveAccessibleDescription(
    'This is not your current password.',
  );
  expect(await axeViolations(container)).toEqual([]);
  answers[PATHS.password] = NO_CONTENT;
  await user.click(screen.getByRole('button', { name: 'Change password' }));
  expect(await screen.findByText('Your password was changed.')).toBeVisible();
  expect(screen.getByLabelText('New password')).toHaveValue('');
});

test.each([
  [PATHS.createToken, 'Create token', 'We do not know whether the token was created.'],
  [PATHS.password, 'Change password', 'We do not know whether your password was changed.'],
  [
    'DELETE /api/auth/credentials/9',
    'Revoke backup',
    'We do not know whether the session or token was ended.',
  ],
])('%s without an answer is reported as unknown', async (call, button, message) => {
  serveAccount({ [call]: new TypeError('Failed to fetch') });
  const { user } = open('/account');
  await user.type(await screen.findByLabelText('Token name'), 'cron');
  await user.type(screen.getByLabelText('Current password'), 'correct horse battery');
  await user.type(screen.getByLabelText('New password'), 'a whole new password');
  await user.click(await screen.findByRole('button', { name: button }));
  expect(await screen.findByRole('alert')).toHaveTextContent(message);
});
