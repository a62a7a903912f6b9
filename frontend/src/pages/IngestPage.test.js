import { act, screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { aCompany, SOURCES } from '../test/companies.js';
import { objections, open } from '../test/open.js';
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
  await user.click(screen.getByRole('button', { name: 'Start' }));
}

test('configure leads to the preview and back, and the focus goes to the new heading', async () => {
  serve({ ...STAGES, [PATHS.current]: NONE });
  const { user, container } = open('/');
  expect(await screen.findByRole('heading', { name: 'Configure' })).not.toHaveFocus();
  expect(screen.getByRole('listitem', { current: 'step' })).toHaveTextContent('Configure');
  expect(await objections(container)).toEqual([]);
  await user.click(await screen.findByRole('link', { name: 'Next' }));
  expect(screen.getByRole('heading', { name: 'Preview' })).toHaveFocus();
  expect(screen.getByRole('listitem', { current: 'step' })).toHaveTextContent('Preview');
  expect(screen.getByText('Step 2 of 3: Preview')).toBeInTheDocument();
  expect(await objections(container)).toEqual([]);
  await user.click(screen.getByRole('link', { name: 'Back' }));
  expect(screen.getByRole('heading', { name: 'Configure' })).toHaveFocus();
});

test('start goes to the new run, where there is no action bar', async () => {
  serve({ ...STAGES, [PATHS.current]: NONE, [PATHS.start]: { run_id: 7 }, ...RUN_7 });
  const { user } = open('/ingest/preview');
  await start(user);
  expect(await screen.findByText('Pending')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Start ingestion' })).toBeNull();
  expect(screen.queryByRole('link', { name: 'Back' })).toBeNull();
  expect(screen.getByRole('listitem', { current: 'step' })).toHaveTextContent('Ingest');
});

test('start while a run is active goes there and says so', async () => {
  serve({
    ...STAGES,
    [PATHS.current]: NONE,
    [PATHS.start]: refusal(409, 'run_active', { run_id: 7 }),
    ...RUN_7,
  });
  const { user } = open('/ingest/preview');
  await start(user);
  expect(
    await screen.findByText('This run was in progress already, so no second one was started.'),
  ).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Dismiss this message' }));
  expect(screen.queryByText(/no second one was started/)).toBeNull();
  expect(screen.getByText('Pending')).toBeVisible();
});

test('two clicks on start are one start, however fast they come', async () => {
  const asked = serve({ ...STAGES, [PATHS.current]: NONE, [PATHS.start]: () => new Promise(() => {}) });
  open('/ingest/preview');
  await screen.findByText(/^Finished/);
  const button = screen.getByRole('button', { name: 'Start ingestion' });
  act(() => {
    button.click();
    button.click();
  });
  const confirm = screen.getByRole('button', { name: 'Start' });
  act(() => {
    confirm.click();
    confirm.click();
  });
  await waitFor(() => expect(button).toHaveAttribute('aria-disabled', 'true'));
  expect(button).toHaveTextContent('Starting …');
  button.click();
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(asked.mock.calls.filter(([call]) => call === PATHS.start)).toHaveLength(1);
});

test('a start goes to its run without waiting for anything else', async () => {
  const answers = { ...STAGES, [PATHS.current]: NONE, [PATHS.start]: { run_id: 7 }, ...RUN_7 };
  serve(answers);
  const { user } = open('/ingest/preview');
  await screen.findByText(/^Finished/);
  answers[PATHS.current] = () => new Promise(() => {});
  await start(user);
  await screen.findByText('Pending');
});

test('a new run after one that has ended: the ended one is not offered', async () => {
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
  await user.click(await screen.findByRole('link', { name: 'Start a new run' }));
  expect(screen.getByRole('heading', { name: 'Configure' })).toBeVisible();
  expect(screen.queryByText(/is in progress/)).toBeNull();
  answer(NONE);
});

test('a connection that stays lost is told all the time, not in turns', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    serve({ ...STAGES, [PATHS.current]: new TypeError('Failed to fetch') });
    open('/ingest');
    const told = await screen.findByText('Connection lost, retrying.');
    const turns = vi.fn();
    new MutationObserver(turns).observe(told.closest('[role=status]'), { childList: true, subtree: true });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(turns).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});

test('a failed start is not told where there is no start', async () => {
  serve({ ...STAGES, [PATHS.current]: NONE, [PATHS.start]: refusal(500, 'internal_error') });
  const { user } = open('/ingest/preview');
  await start(user);
  expect(await screen.findByRole('alert')).toHaveTextContent(
    'The start was not confirmed. Refused: internal_error.',
  );
  await user.click(screen.getByRole('link', { name: 'Back' }));
  expect(screen.queryByRole('alert')).toBeNull();
  await user.click(screen.getByRole('link', { name: 'Next' }));
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a start that stays without an answer looks whether there is a run after all, and offers it', async () => {
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
    // The last try shall not come to its end just when the page looks anyway.
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
  'arriving at %s while a run is active leads to it',
  async (address) => {
    serve({ ...STAGES, [PATHS.current]: { run_id: 7 }, ...RUN_7 });
    open(address);
    expect(await screen.findByText('Pending')).toBeVisible();
  },
);

test('a run that becomes active elsewhere is offered, and nobody is thrown out', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const answers = { ...STAGES, [PATHS.current]: NONE, ...RUN_7 };
    serve(answers);
    const { container } = open('/ingest');
    await screen.findByRole('link', { name: 'Next' });
    answers[PATHS.current] = { run_id: 7 };
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await screen.findByRole('link', { name: 'View run 7' })).toHaveAttribute('href', '/ingest/runs/7');
    expect(screen.getByRole('heading', { name: 'Configure' })).toBeVisible();
    vi.useRealTimers();
    expect(await objections(container)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('a server that is away is told, and the form can be seen all the same', async () => {
  serve({ ...STAGES, [PATHS.current]: new TypeError('Failed to fetch') });
  open('/ingest');
  expect(await screen.findByText('Connection lost, retrying.')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Next' })).toBeVisible();
});

test('an address that is none is a page of its own', async () => {
  serve({});
  const { container } = open('/nowhere');
  expect(await screen.findByRole('heading', { name: 'There is nothing at this address' })).toBeVisible();
  expect(await objections(container)).toEqual([]);
});

test('no request is made that the screen does not need', async () => {
  const asked = serve({ ...STAGES, [PATHS.current]: NONE, ...RUN_7 });
  open('/ingest/runs/7');
  await waitFor(() => expect(asked).toHaveBeenCalledWith(PATHS.events));
  expect(new Set(asked.mock.calls.map(([call]) => call))).toEqual(new Set([PATHS.run, PATHS.events]));
});
