import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { axeViolations, open } from '../../../test/open.js';
import { aPreview, aPreviewCompany } from '../../../test/previews.js';
import { aRun, PATHS, refusal, serve } from '../../../test/server.js';

function serveStart(start, preview = aPreview()) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: preview,
    [PATHS.createPreview]: { preview_id: 6 },
    'GET /api/ingestion/dry-run/6': aPreview({ preview_id: 6 }),
    [PATHS.start]: start,
    [PATHS.run]: aRun(),
    [PATHS.events]: { events: [] },
  };
  return { answers, requests: serve(answers) };
}

async function ask(user) {
  await screen.findByText(/^Finished/);
  await user.click(screen.getByRole('button', { name: 'Start ingestion' }));
}

test('the question shows the numbers, and Start sends the preview', async () => {
  const failed = aPreviewCompany({ position: 2, name: 'Beta', state: 'failed', outcome: 'gone' });
  const preview = aPreview({
    totals: { companies: 2, listed: 1, failed: 1 },
    companies: [aPreviewCompany(), failed],
  });
  const { requests } = serveStart({ run_id: 7 }, preview);
  const { user, container } = open('/ingest/preview');
  await ask(user);
  const dialog = screen.getByRole('dialog', { name: 'Collect 2 postings from 1 company?' });
  expect(dialog).toHaveTextContent('These boards could not be read: Beta.');
  expect(screen.getByRole('button', { name: 'Not yet' })).toHaveFocus();
  expect(screen.getByRole('button', { name: 'Start collecting' })).toHaveClass('button--primary');
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Start collecting' }));
  expect(await screen.findByText('Pending')).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.start, { preview_id: 5 });
});

test('an unfinished preview can be started; the question says what is left', async () => {
  const preview = aPreview({
    is_finished: false,
    finished_at: null,
    totals: { companies: 4, waiting: 3 },
    companies: [aPreviewCompany(), aPreviewCompany({ position: 2, name: 'Beta', state: 'waiting' })],
  });
  const { requests } = serveStart({ run_id: 7 }, preview);
  const { user } = open('/ingest/preview');
  await user.click(await screen.findByRole('button', { name: 'Start ingestion' }));
  const dialog = screen.getByRole('dialog', { name: 'Start before every board is read?' });
  expect(dialog).toHaveTextContent('The run waits for the 3 boards that are left.');
  await user.click(screen.getByRole('button', { name: 'Start collecting' }));
  expect(await screen.findByText('Pending')).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.start, { preview_id: 5 });
});

test('Not yet sends nothing', async () => {
  const { requests } = serveStart({ run_id: 7 });
  const { user } = open('/ingest/preview');
  await ask(user);
  await user.click(screen.getByRole('button', { name: 'Not yet' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(requests).not.toHaveBeenCalledWith(PATHS.start, expect.anything());
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveFocus();
});

test.each([
  ['preview_outdated', 409, 'Your companies have changed since this preview'],
  ['preview_not_found', 404, 'This preview no longer exists'],
])('%s is reported and offers a refresh', async (code, status, words) => {
  const { answers, requests } = serveStart(refusal(status, code));
  const { user } = open('/ingest/preview');
  await ask(user);
  answers[PATHS.preview] = aPreview({ is_current: false });
  await user.click(screen.getByRole('button', { name: 'Start collecting' }));
  expect(await screen.findByRole('alert')).toHaveTextContent(words);
  expect(await screen.findByText('The preview is out of date.')).toBeVisible();
  expect(screen.getByRole('alert')).toHaveTextContent('nothing was started');
  const alert = within(screen.getByRole('alert'));
  await user.click(alert.getByRole('button', { name: 'Make a new preview' }));
  await waitFor(() => expect(requests).toHaveBeenCalledWith(PATHS.createPreview));
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
});
