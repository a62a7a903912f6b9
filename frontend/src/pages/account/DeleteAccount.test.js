import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { axeViolations, open } from '../../test/open.js';
import { ANN, NO_CONTENT, PATHS, refusal, serve } from '../../test/server.js';

function serveAccount(answer) {
  const answers = {
    [PATHS.me]: ANN,
    [PATHS.credentials]: { credentials: [], next: null },
    [PATHS.deleteAccount]: answer,
  };
  return { answers, requests: serve(answers) };
}

async function ask(user) {
  await user.click(await screen.findByRole('button', { name: 'Delete account …' }));
  return within(screen.getByRole('dialog', { name: 'Delete the account ann@example.org?' }));
}

async function confirm(user, dialog) {
  await user.type(dialog.getByLabelText('Your password'), 'correct horse');
  await user.click(dialog.getByRole('button', { name: 'Delete for good' }));
}

test('the question names what goes and asks for the password', async () => {
  const { requests } = serveAccount(NO_CONTENT);
  const { user, container } = open('/account');
  const dialog = await ask(user);
  expect(dialog.getByText(/your companies .* your runs .* all your jobs .* tokens\./)).toBeVisible();
  expect(dialog.getByLabelText('Your password')).toHaveFocus();
  expect(await axeViolations(container)).toEqual([]);
  await confirm(user, dialog);
  // jsdom cannot leave the page as a browser does.
  expect(await dialog.findByRole('button', { name: 'Deleting …' })).toHaveAttribute('aria-disabled', 'true');
  expect(requests).toHaveBeenCalledWith(PATHS.deleteAccount, { password: 'correct horse' });
});

test('Keep my account sends nothing and returns the focus', async () => {
  const { requests } = serveAccount(NO_CONTENT);
  const { user } = open('/account');
  const dialog = await ask(user);
  await user.click(dialog.getByRole('button', { name: 'Keep my account' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(screen.getByRole('button', { name: 'Delete account …' })).toHaveFocus();
  expect(requests).not.toHaveBeenCalledWith(PATHS.deleteAccount, expect.anything());
});

test.each([
  [{ errors: { password: ['This is not your password.'] } }, 'This is not your password.'],
  [{ detail: 'The password is wrong.' }, 'The password is wrong.'],
])('a wrong password, answered with %j, is reported at its field', async (members, words) => {
  serveAccount(refusal(422, 'wrong_password', members));
  const { user, container } = open('/account');
  const dialog = await ask(user);
  await confirm(user, dialog);
  await waitFor(() => expect(dialog.getByLabelText('Your password')).toHaveAccessibleDescription(words));
  expect(dialog.queryByRole('alert')).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
});

test.each([
  [refusal(503, 'database_unavailable'), /^We do not know whether the account was deleted\./],
  [
    refusal(429, 'too_many_requests'),
    /^The account was not deleted\. Too many attempts\. Try again in 1 min/,
  ],
  [refusal(409, 'odd'), /^The account was not deleted\. Refused: odd\./],
])('case %#: a deletion that failed is reported', async (answer, words) => {
  serveAccount(answer);
  const { user } = open('/account');
  const dialog = await ask(user);
  await confirm(user, dialog);
  expect(await dialog.findByRole('alert')).toHaveTextContent(words);
});
