import { screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { open } from '../../test/open.js';
import { aPreview } from '../../test/previews.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../../test/server.js';

const LOST = new TypeError('Failed to fetch');
const UNCONFIRMED = 'We do not know whether the run was started.';

beforeEach(() => vi.useFakeTimers({ shouldAdvanceTime: true }));
afterEach(() => vi.useRealTimers());

/** A server that answers starts in this order and repeats the last answer; `keys` collects the idempotency keys. */
function serveStarts(...starts) {
  const keys = [];
  const answers = {
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: aPreview(),
    [PATHS.createPreview]: { preview_id: 6 },
    'GET /api/ingestion/dry-run/6': aPreview({ preview_id: 6 }),
    [PATHS.run]: aRun(),
    [PATHS.events]: { events: [] },
    [PATHS.current]: { run_id: null },
    [PATHS.start]: (headers) => {
      keys.push(headers['Idempotency-Key']);
      return starts.length > 1 ? starts.shift() : starts[0];
    },
  };
  return { keys, answers, requests: serve(answers) };
}

async function press(user) {
  await screen.findByText(/^Finished/);
  await user.click(screen.getByRole('button', { name: 'Start ingestion' }));
  await user.click(screen.getByRole('button', { name: 'Start collecting' }));
}

const same = (keys) => new Set(keys).size === 1;
const onRun = () => screen.findByRole('heading', { name: 'Run 7' });

test.each([
  ['no answer', LOST],
  ['a proxy error', { status: 502, document: { message: 'Bad gateway' } }],
  ['a server without database', refusal(503, 'database_unavailable')],
])('after %s the start is repeated with its key and leads to its run', async (_how, lost) => {
  const { keys, requests } = serveStarts(lost, lost, { run_id: 7 });
  const { user } = open('/ingest/preview');
  await press(user);
  expect(screen.getByRole('button', { name: 'Starting …' })).toBeVisible();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await onRun()).toBeVisible();
  expect(screen.queryByText(/no second run was started/)).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
  expect(keys).toHaveLength(3);
  expect(keys[0]).toMatch(/^"[0-9a-f-]{32,36}"$/);
  expect(same(keys)).toBe(true);
  const bodies = requests.mock.calls.filter(([call]) => call === PATHS.start).map(([, body]) => body);
  expect(bodies).toEqual(Array(3).fill({ preview_id: 5 }));
});

test('an unconfirmed start is reported and can be repeated with its key', async () => {
  const { keys, answers } = serveStarts(LOST);
  const { user } = open('/ingest/preview');
  await press(user);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(screen.queryByRole('alert')).toBeNull();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await screen.findByRole('alert')).toHaveTextContent(UNCONFIRMED);
  expect(keys).toHaveLength(4);
  await user.click(screen.getByRole('button', { name: 'Dismiss this message' }));
  answers[PATHS.start] = (headers) => keys.push(headers['Idempotency-Key']) && { run_id: 7 };
  await press(user);
  expect(await onRun()).toBeVisible();
  expect(keys).toHaveLength(5);
  expect(same(keys)).toBe(true);
});

test.each([
  ['a refusal', refusal(409, 'preview_unfinished'), false],
  ['an error of the server', refusal(500, 'internal_error'), true],
])('after %s the start is not repeated automatically', async (_how, answer, isSame) => {
  const { keys } = serveStarts(answer, { run_id: 7 });
  const { user } = open('/ingest/preview');
  await press(user);
  expect(await screen.findByRole('alert')).toBeVisible();
  await vi.advanceTimersByTimeAsync(6_000);
  expect(keys).toHaveLength(1);
  await press(user);
  expect(await onRun()).toBeVisible();
  expect(same(keys)).toBe(isSame);
});

test('a retry waits as long as Retry-After', async () => {
  const later = { ...refusal(503, 'database_unavailable'), headers: { 'Retry-After': '3' } };
  const { keys } = serveStarts(later, { run_id: 7 });
  const { user } = open('/ingest/preview');
  await press(user);
  await waitFor(() => expect(keys).toHaveLength(1));
  await vi.advanceTimersByTimeAsync(2_500);
  expect(keys).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(600);
  expect(await onRun()).toBeVisible();
  expect(keys).toHaveLength(2);
});

test('another preview gets another key', async () => {
  const { keys } = serveStarts(LOST, LOST, LOST, LOST, { run_id: 7 });
  const { user } = open('/ingest/preview');
  await press(user);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(await screen.findByRole('alert')).toHaveTextContent(UNCONFIRMED);
  await user.click(screen.getByRole('button', { name: 'Refresh' }));
  await waitFor(() => expect(screen.queryByText('Preparing the preview …')).toBeNull());
  await press(user);
  expect(await onRun()).toBeVisible();
  expect(same(keys.slice(0, 4))).toBe(true);
  expect(keys[4]).not.toBe(keys[0]);
});

test('a start after a successful start gets another key', async () => {
  const { keys, answers } = serveStarts({ run_id: 7 });
  answers[PATHS.run] = anEndedRun('aborted');
  const { user } = open('/ingest/preview');
  await press(user);
  await user.click(await screen.findByRole('link', { name: 'Set up a new run' }));
  await user.click(await screen.findByRole('link', { name: 'Preview postings' }));
  await press(user);
  await onRun();
  expect(keys).toHaveLength(2);
  expect(same(keys)).toBe(false);
});

test('Back during a pending start still leads to its run', async () => {
  serveStarts(LOST, { run_id: 7 });
  const { user } = open('/ingest/preview');
  await press(user);
  await user.click(screen.getByRole('link', { name: 'Back' }));
  expect(screen.getByRole('heading', { name: 'Configure' })).toBeVisible();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await onRun()).toBeVisible();
});
