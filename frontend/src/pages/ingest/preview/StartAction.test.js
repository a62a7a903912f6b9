import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { objections, open } from '../../../test/open.js';
import { aPreview, aPreviewCompany } from '../../../test/previews.js';
import { aRun, PATHS, refusal, serve } from '../../../test/server.js';

function serveStart(start, preview = aPreview()) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: preview,
    [PATHS.makePreview]: { preview_id: 6 },
    'GET /api/ingestion/dry-run/6': aPreview({ preview_id: 6 }),
    [PATHS.start]: start,
    [PATHS.run]: aRun(),
    [PATHS.events]: { events: [] },
  };
  return { answers, asked: serve(answers) };
}

async function ask(user) {
  await screen.findByText(/^Finished/);
  await user.click(screen.getByRole('button', { name: 'Start ingestion' }));
}

test('a start is asked for with its numbers, and starts what is shown', async () => {
  const failed = aPreviewCompany({ position: 2, name: 'Beta', state: 'failed', outcome: 'gone' });
  const preview = aPreview({
    totals: { companies: 2, listed: 1, failed: 1 },
    companies: [aPreviewCompany(), failed],
  });
  const { asked } = serveStart({ run_id: 7 }, preview);
  const { user, container } = open('/ingest/preview');
  await ask(user);
  const dialog = screen.getByRole('dialog', { name: 'Start ingestion of 2 postings of 1 company?' });
  expect(dialog).toHaveTextContent('Left out, because listing failed: Beta.');
  expect(screen.getByRole('button', { name: 'Not yet' })).toHaveFocus();
  expect(screen.getByRole('button', { name: 'Start' })).toHaveClass('button--primary');
  expect(await objections(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Start' }));
  expect(await screen.findByText('Pending')).toBeVisible();
  expect(asked).toHaveBeenCalledWith(PATHS.start, { preview_id: 5 });
});

test('not yet is no start', async () => {
  const { asked } = serveStart({ run_id: 7 });
  const { user } = open('/ingest/preview');
  await ask(user);
  await user.click(screen.getByRole('button', { name: 'Not yet' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(asked).not.toHaveBeenCalledWith(PATHS.start, expect.anything());
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveFocus();
});

test.each([
  ['preview_outdated', 409, 'Your companies have changed since this preview'],
  ['preview_unfinished', 409, 'The preview is still under way'],
  ['preview_not_found', 404, 'This preview was replaced'],
])('%s is told, with a new preview as the way on', async (code, status, words) => {
  const { answers, asked } = serveStart(refusal(status, code));
  const { user } = open('/ingest/preview');
  await ask(user);
  answers[PATHS.preview] = aPreview({ is_current: false });
  await user.click(screen.getByRole('button', { name: 'Start' }));
  expect(await screen.findByRole('alert')).toHaveTextContent(words);
  expect(await screen.findByText('The preview is out of date.')).toBeVisible();
  expect(screen.getByRole('alert')).toHaveTextContent('nothing was started');
  const alert = within(screen.getByRole('alert'));
  await user.click(alert.getByRole('button', { name: 'Refresh the preview' }));
  await waitFor(() => expect(asked).toHaveBeenCalledWith(PATHS.makePreview));
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
});
