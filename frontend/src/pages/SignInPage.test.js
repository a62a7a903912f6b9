import { screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { axeViolations, open } from '../test/open.js';
import { ANN, NO_CONTENT, PATHS, refusal, serve } from '../test/server.js';

const OUT = refusal(401, 'unauthenticated');
const NONE = { run_id: null };

async function signIn(user, password = 'correct horse battery') {
  await user.type(await screen.findByLabelText('E-mail'), 'ann@example.org');
  await user.type(screen.getByLabelText('Password'), password);
  await user.click(screen.getByRole('button', { name: 'Sign in' }));
}

test('the requested page appears only after the sign-in', async () => {
  const answers = { [PATHS.me]: OUT, [PATHS.runs]: { runs: [], next_before: null } };
  answers[PATHS.signIn] = () => {
    answers[PATHS.me] = ANN;
    return NO_CONTENT;
  };
  const requests = serve(answers);
  const { user, container } = open('/runs');
  expect(await screen.findByRole('heading', { name: 'Sign in' })).toBeVisible();
  expect(screen.queryByRole('navigation', { name: 'Main' })).toBeNull();
  expect(requests).not.toHaveBeenCalledWith(PATHS.runs);
  expect(await axeViolations(container)).toEqual([]);
  await signIn(user);
  expect(await screen.findByText('There are no runs yet.')).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.signIn, {
    email: 'ann@example.org',
    password: 'correct horse battery',
  });
  expect(screen.getByRole('link', { name: 'Account' })).toBeVisible();
});

test.each([
  [refusal(401, 'sign_in_refused'), 'Refused: sign_in_refused.'],
  [{ ...refusal(429, 'too_many_requests'), headers: { 'Retry-After': '130' } }, 'Try again in 2 min 10 s.'],
  [new TypeError('Failed to fetch'), 'The server did not answer. Try again.'],
])('a failed sign-in shows the reason and the form', async (answer, words) => {
  serve({ [PATHS.me]: OUT, [PATHS.signIn]: answer });
  const { user, container } = open('/');
  await signIn(user, 'wrong');
  expect(await screen.findByRole('alert')).toHaveTextContent(words);
  expect(screen.getByRole('button', { name: 'Sign in' })).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
});

test('an ended session leads to sign-in and back with all input kept', async () => {
  const answers = {
    [PATHS.me]: ANN,
    [PATHS.credentials]: { credentials: [], next: null },
    [PATHS.createToken]: OUT,
  };
  answers[PATHS.signIn] = NO_CONTENT;
  const requests = serve(answers);
  const { user } = open('/account');
  await user.type(await screen.findByLabelText('Token name'), 'my script');
  answers[PATHS.credentials] = OUT;
  await user.click(screen.getByRole('button', { name: 'Create token' }));
  expect(await screen.findByText(/^Your session has ended\./)).toBeVisible();
  expect(screen.getByRole('heading', { name: 'Sign in' })).toHaveFocus();
  expect(screen.getByLabelText('Token name')).not.toBeVisible();
  answers[PATHS.credentials] = { credentials: [], next: null };
  await signIn(user);
  expect(await screen.findByLabelText('Token name')).toHaveValue('my script');
  expect(screen.getByLabelText('Token name')).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.signIn, expect.anything());
});

test('AUTH=local has no account page and no sign-out', async () => {
  serve({ [PATHS.current]: NONE });
  open('/account');
  expect(await screen.findByRole('heading', { name: 'There is nothing at this address' })).toBeVisible();
  expect(screen.queryByRole('link', { name: 'Account' })).toBeNull();
  expect(screen.queryByRole('button', { name: 'Sign out' })).toBeNull();
});

test('a server unavailable at first is reported, and the page appears later', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const answers = { [PATHS.me]: new TypeError('Failed to fetch'), [PATHS.current]: NONE };
    serve(answers);
    open('/');
    expect(await screen.findByText('Connection lost. Trying again …')).toBeVisible();
    answers[PATHS.me] = ANN;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await screen.findByRole('heading', { name: 'Configure' })).toBeVisible();
  } finally {
    vi.useRealTimers();
  }
});

test('a page hidden behind sign-in sends no requests', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const answers = { [PATHS.me]: ANN, [PATHS.current]: NONE };
    const requests = serve(answers);
    open('/ingest');
    await screen.findByRole('link', { name: 'Preview postings' });
    answers[PATHS.current] = OUT;
    await vi.advanceTimersByTimeAsync(5_000);
    await screen.findByRole('heading', { name: 'Sign in' });
    requests.mockClear();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
  await waitFor(() => expect(document.title).toBe('Sign in · Job Ingestion'));
});
