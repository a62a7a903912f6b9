import { screen, waitFor } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { axeViolations, open } from '../../../test/open.js';
import { aPreview, aPreviewCompany } from '../../../test/previews.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

const OK = { status: 'ok', checks: { reader: { ok: true, reason: null } } };
const degraded = (part) => ({
  status: 'degraded',
  checks: { [part]: { ok: false, reason: 'No heartbeat.' } },
});
const NO_READER = degraded('reader');

function serveWaiting(health, preview = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: aPreview({
      is_finished: false,
      finished_at: null,
      totals: { listed: 0, waiting: 1, found: 0, matched: 0 },
      companies: [aPreviewCompany({ state: 'waiting', found: null, matched: null, listed_at: null })],
      ...preview,
    }),
    [PATHS.health]: health,
  };
  return { answers, requests: serve(answers) };
}

afterEach(() => {
  vi.useRealTimers();
});

test('a preview that waits for a reader says so until one is back', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { answers } = serveWaiting(NO_READER);
  const { container } = open('/ingest/preview');
  const reason = await screen.findByText(/^No program reads boards on this server/);
  expect(reason.closest('[role=status]')).not.toBeNull();
  answers[PATHS.health] = OK;
  await vi.advanceTimersByTimeAsync(6_000);
  await waitFor(() => expect(screen.queryByText(/^No program reads/)).toBeNull());
  vi.useRealTimers();
  expect(await axeViolations(container)).toEqual([]);
});

test('a preview that waits for a previewer says so', async () => {
  serveWaiting(degraded('previewer'));
  open('/ingest/preview');
  expect(await screen.findByText(/^No program works on previews on this server/)).toBeVisible();
});

test('the notice ends with the preview', async () => {
  const { answers } = serveWaiting(NO_READER);
  open('/ingest/preview');
  await screen.findByText(/^No program reads boards on this server/);
  answers[PATHS.preview] = aPreview();
  expect(await screen.findByText(/^Finished/)).toBeVisible();
  expect(screen.queryByText(/^No program reads/)).toBeNull();
});

test.each([
  ['a new preview', { server_time: '2026-01-02T10:00:09Z' }],
  ['a finished preview', { is_finished: true }],
])('%s does not ask for the health of the server', async (_name, preview) => {
  const { requests } = serveWaiting(NO_READER, preview);
  open('/ingest/preview');
  await screen.findByRole('region', { name: 'Totals' });
  expect(requests).not.toHaveBeenCalledWith(PATHS.health);
});

test('without an answer about its health, nothing is claimed', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { answers } = serveWaiting(NO_READER);
  open('/ingest/preview');
  await screen.findByText(/^No program reads boards on this server/);
  answers[PATHS.health] = refusal(503, 'not_ready');
  await vi.advanceTimersByTimeAsync(6_000);
  await waitFor(() => expect(screen.queryByText(/^No program reads/)).toBeNull());
});
