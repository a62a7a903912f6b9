import { screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { objections, open } from '../test/open.js';
import { aRun, PATHS, refusal, serve } from '../test/server.js';

const NONE = { run_id: null };
const RUN_7 = { [PATHS.run]: aRun(), [PATHS.events]: { events: [] } };

test('configure leads to the preview and back, and the focus goes to the new heading', async () => {
  serve({ [PATHS.current]: NONE });
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
  serve({ [PATHS.current]: NONE, [PATHS.start]: { run_id: 7 }, ...RUN_7 });
  const { user } = open('/ingest/preview');
  await user.click(await screen.findByRole('button', { name: 'Start ingestion' }));
  expect(await screen.findByText('Pending')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Start ingestion' })).toBeNull();
  expect(screen.queryByRole('link', { name: 'Back' })).toBeNull();
  expect(screen.getByRole('listitem', { current: 'step' })).toHaveTextContent('Ingest');
});

test('start while a run is active goes there and says so', async () => {
  serve({ [PATHS.current]: NONE, [PATHS.start]: refusal(409, 'run_active', { run_id: 7 }), ...RUN_7 });
  const { user } = open('/ingest/preview');
  await user.click(await screen.findByRole('button', { name: 'Start ingestion' }));
  expect(
    await screen.findByText('This run was in progress already, so no second one was started.'),
  ).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Dismiss this message' }));
  expect(screen.queryByText(/no second one was started/)).toBeNull();
});

test('two clicks on start are one start', async () => {
  const asked = serve({ [PATHS.current]: NONE, [PATHS.start]: () => new Promise(() => {}) });
  const { user } = open('/ingest/preview');
  await user.dblClick(await screen.findByRole('button', { name: 'Start ingestion' }));
  expect(screen.getByRole('button', { name: 'Starting …' })).toHaveAttribute('aria-disabled', 'true');
  expect(asked.mock.calls.filter(([call]) => call === PATHS.start)).toHaveLength(1);
});

test('a start without an answer is told, and looks whether there is a run after all', async () => {
  const answers = { [PATHS.current]: NONE, ...RUN_7 };
  answers[PATHS.start] = () => {
    answers[PATHS.current] = { run_id: 7 };
    return new TypeError('Failed to fetch');
  };
  serve(answers);
  const { user } = open('/ingest/preview');
  await user.click(await screen.findByRole('button', { name: 'Start ingestion' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('The start was not confirmed.');
  expect(await screen.findByRole('link', { name: 'View run 7' })).toBeVisible();
});

test.each(['/', '/ingest', '/ingest/preview'])(
  'arriving at %s while a run is active leads to it',
  async (address) => {
    serve({ [PATHS.current]: { run_id: 7 }, ...RUN_7 });
    open(address);
    expect(await screen.findByText('Pending')).toBeVisible();
  },
);

test('a run that becomes active elsewhere is offered, and nobody is thrown out', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const answers = { [PATHS.current]: NONE, ...RUN_7 };
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
  serve({ [PATHS.current]: new TypeError('Failed to fetch') });
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
  const asked = serve({ [PATHS.current]: NONE, ...RUN_7 });
  open('/ingest/runs/7');
  await waitFor(() => expect(asked).toHaveBeenCalledWith(PATHS.events));
  expect(new Set(asked.mock.calls.map(([call]) => call))).toEqual(new Set([PATHS.run, PATHS.events]));
});
