import { act, screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { aCompany, SOURCES } from '../test/companies.js';
import { axeViolations, open } from '../test/open.js';
import { aPreview } from '../test/previews.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../test/server.js';

const NONE = { run_id: null };
const STAGES = {
  [PATHS.sources]: SOURCES,
  [PATHS.companies]: { companies: [aCompany()] },
  [PATHS.latestPreview]: { preview_id: 5 },
  [PATHS.preview]: aPreview(),
};
const RUN_7 = { [PATHS.run]: aRun(), [PATHS.events]: { events: [] } };

/** Confirms a start, as soon as the preview allows one. */
async function start(user) {
  await screen.findByText(/^Finished/);
  await user.click(screen.getByRole('button', { name: 'Start ingestion' }));
  await user.click(screen.getByRole('button', { name: 'Start collecting' }));
}

test('Next and Back change the stage and focus the new heading', async () => {
  serve({ ...STAGES, [PATHS.current]: NONE });
  const { user, container } = open('/');
  expect(await screen.findByRole('heading', { name: 'Configure' })).not.toHaveFocus();
  expect(screen.getByRole('listitem', { current: 'step' })).toHaveTextContent('Configure');
  expect(await axeViolations(container)).toEqual([]);
  await user.click(await screen.findByRole('link', { name: 'Preview postings' }));
  expect(screen.getByRole('heading', { name: 'Preview' })).toHaveFocus();
  expect(screen.getByRole('listitem', { current: 'step' })).toHaveTextContent('Preview');
  expect(screen.getByText('Step 2 of 3: Preview')).toBeInTheDocument();
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('link', { name: 'Back' }));
  expect(screen.getByRole('heading', { name: 'Configure' })).toHaveFocus();
});

test('a start leads to the new run, which has no action bar', async () => {
  serve({ ...STAGES, [PATHS.current]: NONE, [PATHS.start]: { run_id: 7 }, ...RUN_7 });
  const { user } = open('/ingest/preview');
  await start(user);
  expect(await screen.findByText('Pending')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Start ingestion' })).toBeNull();
  expect(screen.queryByRole('link', { name: 'Back' })).toBeNull();
  expect(screen.getByRole('listitem', { current: 'step' })).toHaveTextContent('Ingest');
});

test('a start during an active run leads to that run with a notice', async () => {
  serve({
    ...STAGES,
    [PATHS.current]: NONE,
    [PATHS.start]: refusal(409, 'run_active', { run_id: 7 }),
    ...RUN_7,
  });
  const { user } = open('/ingest/preview');
  await start(user);
  expect(
    await screen.findByText('This run was already in progress, so no second run was started.'),
  ).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Dismiss this message' }));
  expect(screen.queryByText(/no second run was started/)).toBeNull();
  expect(screen.getByText('Pending')).toBeVisible();
});

test('two fast clicks on Start send one request', async () => {
  const requests = serve({ ...STAGES, [PATHS.current]: NONE, [PATHS.start]: () => new Promise(() => {}) });
  open('/ingest/preview');
  await screen.findByText(/^Finished/);
  const button = screen.getByRole('button', { name: 'Start ingestion' });
  act(() => {
    button.click();
    button.click();
  });
  const confirm = screen.getByRole('button', { name: 'Start collecting' });
  act(() => {
    confirm.click();
    confirm.click();
  });
  await waitFor(() => expect(button).toHaveAttribute('aria-disabled', 'true'));
  expect(button).toHaveTextContent('Starting …');
  button.click();
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(requests.mock.calls.filter(([call]) => call === PATHS.start)).toHaveLength(1);
});

test('a start leads to its run while /current-run is unanswered', async () => {
  const answers = { ...STAGES, [PATHS.current]: NONE, [PATHS.start]: { run_id: 7 }, ...RUN_7 };
  serve(answers);
  const { user } = open('/ingest/preview');
  await screen.findByText(/^Finished/);
  answers[PATHS.current] = () => new Promise(() => {});
  await start(user);
  await screen.findByText('Pending');
});

test('Set up a new run does not offer the run that has ended', async () => {
  const answers = { ...STAGES, [PATHS.current]: { run_id: 7 }, ...RUN_7 };
  serve(answers);
  const { user } = open('/ingest');
  await screen.findByText('Pending');
  answers[PATHS.run] = anEndedRun('aborted');
  let answer;
  answers[PATHS.current] = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  await user.click(await screen.findByRole('link', { name: 'Set up a new run' }));
  expect(screen.getByRole('heading', { name: 'Configure' })).toBeVisible();
  expect(screen.queryByText(/is in progress/)).toBeNull();
  answer(NONE);
});

test('a lost connection is shown without flicker between retries', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    serve({ ...STAGES, [PATHS.current]: new TypeError('Failed to fetch') });
    open('/ingest');
    const message = await screen.findByText('Connection lost. Trying again …');
    const turns = vi.fn();
    new MutationObserver(turns).observe(message.closest('[role=status]'), { childList: true, subtree: true });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(turns).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});

test('the message of a failed start disappears with Back', async () => {
  serve({ ...STAGES, [PATHS.current]: NONE, [PATHS.start]: refusal(500, 'internal_error') });
  const { user } = open('/ingest/preview');
  await start(user);
  expect(await screen.findByRole('alert')).toHaveTextContent(
    'We do not know whether the run was started. Refused: internal_error.',
  );
  await user.click(screen.getByRole('link', { name: 'Back' }));
  expect(screen.queryByRole('alert')).toBeNull();
  await user.click(screen.getByRole('link', { name: 'Preview postings' }));
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a start without an answer offers the run that it started after all', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    let tries = 0;
    const answers = { ...STAGES, [PATHS.current]: NONE, ...RUN_7 };
    answers[PATHS.start] = () => {
      tries += 1;
      answers[PATHS.current] = tries < 4 ? NONE : { run_id: 7 };
      return new TypeError('Failed to fetch');
    };
    serve(answers);
    const { user } = open('/ingest/preview');
    await screen.findByText(/^Finished/);
    // So that the last retry does not coincide with the poll of /current-run.
    await vi.advanceTimersByTimeAsync(2_500);
    await start(user);
    await vi.advanceTimersByTimeAsync(3_600);
    expect(await screen.findByRole('link', { name: 'View run 7' })).toBeVisible();
    expect(screen.getByRole('button', { name: 'Start ingestion' })).toBeVisible();
    expect(screen.queryByRole('alert')).toBeNull();
  } finally {
    vi.useRealTimers();
  }
});

test.each(['/', '/ingest', '/ingest/preview'])(
  'opening %s during an active run leads to it',
  async (address) => {
    serve({ ...STAGES, [PATHS.current]: { run_id: 7 }, ...RUN_7 });
    open(address);
    expect(await screen.findByText('Pending')).toBeVisible();
  },
);

test('a run started elsewhere is offered, and the page stays', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const answers = { ...STAGES, [PATHS.current]: NONE, ...RUN_7 };
    serve(answers);
    const { container } = open('/ingest');
    await screen.findByRole('link', { name: 'Preview postings' });
    answers[PATHS.current] = { run_id: 7 };
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await screen.findByRole('link', { name: 'View run 7' })).toHaveAttribute('href', '/ingest/runs/7');
    expect(screen.getByRole('heading', { name: 'Configure' })).toBeVisible();
    vi.useRealTimers();
    expect(await axeViolations(container)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('an unavailable server is reported, and the form stays usable', async () => {
  serve({ ...STAGES, [PATHS.current]: new TypeError('Failed to fetch') });
  open('/ingest');
  expect(await screen.findByText('Connection lost. Trying again …')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Preview postings' })).toBeVisible();
});

test('an unknown address shows the not-found page', async () => {
  serve({});
  const { container } = open('/nowhere');
  expect(await screen.findByRole('heading', { name: 'There is nothing at this address' })).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
});

test('a run page requests only the run, its events and the health', async () => {
  const requests = serve({ ...STAGES, [PATHS.current]: NONE, ...RUN_7 });
  open('/ingest/runs/7');
  await waitFor(() => expect(requests).toHaveBeenCalledWith(PATHS.events));
  expect(new Set(requests.mock.calls.map(([call]) => call))).toEqual(
    new Set([PATHS.run, PATHS.events, PATHS.health]),
  );
});
