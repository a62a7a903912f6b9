import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { objections, open } from '../../test/open.js';
import { aPreview, aPreviewCompany } from '../../test/previews.js';
import { PATHS, refusal, serve } from '../../test/server.js';

const UNDER_WAY = aPreview({
  is_finished: false,
  finished_at: null,
  totals: { companies: 3, listed: 1, failed: 0, waiting: 2, found: 3, taken: 2 },
  companies: [
    aPreviewCompany(),
    aPreviewCompany({ position: 2, name: 'Beta', state: 'listing', found: null, taken: null }),
    aPreviewCompany({ position: 3, name: 'Gamma', state: 'waiting', found: null, taken: null }),
  ],
});

function servePreview(preview, more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: preview,
    [PATHS.makePreview]: { preview_id: 6 },
    'GET /api/ingestion/dry-run/6': aPreview({ preview_id: 6, totals: { taken: 66, found: 99 } }),
    ...more,
  };
  return { answers, asked: serve(answers) };
}

const times = (asked, path) => asked.mock.calls.filter(([call]) => call === path).length;
const totals = () => screen.findByRole('region', { name: 'Totals' });

test('a preview that is finished and fits is shown as it is, and looked at again every ten seconds', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { asked } = servePreview(aPreview());
    const { container } = open('/ingest/preview');
    expect(await totals()).toHaveTextContent('2 of 3 postings of 1 company');
    await vi.advanceTimersByTimeAsync(9_000);
    expect(times(asked, PATHS.preview)).toBe(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(times(asked, PATHS.preview)).toBe(2);
    expect(asked).not.toHaveBeenCalledWith(PATHS.makePreview);
    vi.useRealTimers();
    expect(await objections(container)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('where there is none, one is made by itself', async () => {
  const { asked } = servePreview(aPreview(), { [PATHS.latestPreview]: { preview_id: null } });
  open('/ingest/preview');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99 postings'));
  expect(times(asked, PATHS.makePreview)).toBe(1);
});

test('one that the settings have left behind is made anew, once', async () => {
  const { asked } = servePreview(aPreview({ is_current: false }), {
    'GET /api/ingestion/dry-run/6': aPreview({ preview_id: 6, is_current: false, totals: { taken: 66 } }),
  });
  const { user } = open('/ingest/preview');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 3'));
  expect(times(asked, PATHS.makePreview)).toBe(1);
  expect(await screen.findByText('Your companies have changed since this preview was made.')).toBeVisible();
  expect(screen.getByText('The preview is out of date.')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Refresh the preview' }));
  await waitFor(() => expect(times(asked, PATHS.makePreview)).toBe(2));
});

test('one under way that the settings have left behind is made anew by who arrives', async () => {
  const { asked } = servePreview({ ...UNDER_WAY, is_current: false });
  open('/ingest/preview');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99 postings'));
  expect(times(asked, PATHS.makePreview)).toBe(1);
});

test('what another window changes is seen when this one has the focus, and so is that it was undone', async () => {
  const { answers, asked } = servePreview(aPreview());
  open('/ingest/preview');
  await totals();
  answers[PATHS.preview] = aPreview({ is_current: false });
  fireEvent.focus(window);
  expect(await screen.findByText('The preview is out of date.')).toBeVisible();
  answers[PATHS.preview] = aPreview();
  fireEvent.focus(window);
  await waitFor(() => expect(screen.queryByText('The preview is out of date.')).toBeNull());
  expect(asked).not.toHaveBeenCalledWith(PATHS.makePreview);
});

test('one under way shows how far it is until it has finished', async () => {
  const { answers, asked } = servePreview(UNDER_WAY);
  const { container } = open('/ingest/preview');
  expect(await screen.findByText('1 of 3 companies listed')).toBeVisible();
  expect(screen.getByRole('progressbar')).toHaveAttribute('value', '1');
  expect(screen.getByText('Listing now')).toBeVisible();
  expect(screen.getByText('Waiting')).toBeVisible();
  expect(screen.getByText('The preview is still under way.')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveAttribute('aria-disabled', 'true');
  expect(screen.getByRole('button', { name: 'Refresh' })).toHaveAttribute('aria-disabled', 'true');
  expect(await objections(container)).toEqual([]);
  answers[PATHS.preview] = aPreview();
  expect(await screen.findByText(/^Finished/)).toBeVisible();
  expect(screen.queryByRole('progressbar')).toBeNull();
  expect(asked).not.toHaveBeenCalledWith(PATHS.makePreview);
});

test('Refresh makes a new one', async () => {
  const { asked } = servePreview(aPreview());
  const { user } = open('/ingest/preview');
  await user.click(await screen.findByRole('button', { name: 'Refresh' }));
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99'));
  expect(times(asked, PATHS.makePreview)).toBe(1);
});

test('one that another tab has replaced leads to the new one', async () => {
  const { answers, asked } = servePreview(UNDER_WAY);
  open('/ingest/preview');
  await screen.findByText('1 of 3 companies listed');
  answers[PATHS.latestPreview] = { preview_id: 6 };
  answers[PATHS.preview] = refusal(404, 'preview_not_found');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99'));
  expect(asked).not.toHaveBeenCalledWith(PATHS.makePreview);
});

test('without companies there is a way back to them, and no start', async () => {
  const { asked } = servePreview(aPreview(), {
    [PATHS.latestPreview]: { preview_id: null },
    [PATHS.makePreview]: refusal(409, 'no_companies'),
  });
  const { container } = open('/ingest/preview');
  expect(await screen.findByText(/^There is nothing to preview/)).toBeVisible();
  expect(screen.getByRole('link', { name: 'Choose companies' })).toHaveAttribute('href', '/ingest');
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveAttribute('aria-disabled', 'true');
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveAccessibleDescription(
    'There is no preview yet.',
  );
  expect(times(asked, PATHS.makePreview)).toBe(1);
  expect(await objections(container)).toEqual([]);
});

test('a preview that could not be made is told, and can be tried again', async () => {
  const { answers } = servePreview(aPreview(), {
    [PATHS.latestPreview]: { preview_id: null },
    [PATHS.makePreview]: refusal(503, 'database_unavailable'),
  });
  const { user } = open('/ingest/preview');
  expect(await screen.findByRole('alert')).toHaveTextContent('The new preview was not confirmed.');
  answers[PATHS.makePreview] = { preview_id: 6 };
  await user.click(screen.getByRole('button', { name: 'Refresh the preview' }));
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99'));
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a connection that is lost meanwhile is told, and what is known stays', async () => {
  const { answers } = servePreview(UNDER_WAY);
  open('/ingest/preview');
  await screen.findByText('1 of 3 companies listed');
  answers[PATHS.preview] = new TypeError('Failed to fetch');
  expect(await screen.findByText('Connection lost, retrying.')).toBeVisible();
  expect(screen.getByText('1 of 3 companies listed')).toBeVisible();
  answers[PATHS.preview] = aPreview();
  expect(await screen.findByText(/^Finished/)).toBeVisible();
  expect(screen.queryByText('Connection lost, retrying.')).toBeNull();
});

test('the cards are sorted as a person sorts names', async () => {
  const companies = ['Co 10', 'Co 2'].map((name, index) => aPreviewCompany({ position: index + 1, name }));
  servePreview(aPreview({ companies }));
  open('/ingest/preview');
  const cards = await screen.findAllByRole('heading', { level: 3 });
  expect(cards.map((card) => card.textContent)).toEqual([
    expect.stringMatching(/^Co 2/),
    expect.stringMatching(/^Co 10/),
  ]);
});

test('each company says how it stands with it, and what to do', async () => {
  const companies = [
    { outcome: 'not_found', state: 'failed', detail: 'Lever has no such board.' },
    { outcome: 'throttled', state: 'failed', retry_at: '2026-01-02T10:30:00Z' },
    { found: 0, taken: 0, outcome: 'empty' },
    { found: 9, taken: 4, is_complete: false, unread: 1 },
  ].map((changes, index) => aPreviewCompany({ position: index + 1, name: `C${index + 1}`, ...changes }));
  servePreview(aPreview({ companies, totals: { companies: 4, listed: 2, failed: 2 } }));
  const { user, container } = open('/ingest/preview');
  expect(await totals()).toHaveTextContent('2 failed');
  const card = (name) => screen.getByRole('heading', { name: new RegExp(`^${name}`) }).closest('li');
  expect(card('C1')).toHaveTextContent(
    'Lever has no such board. Check the board’s name or remove the company.',
  );
  expect(card('C2')).toHaveTextContent(/Try again after .*:30/);
  expect(card('C3')).toHaveTextContent('Empty board');
  expect(card('C4')).toHaveTextContent('4 of 9 postings taken');
  expect(card('C4')).toHaveTextContent('1 posting could not be read.');
  expect(within(card('C3')).queryByRole('button')).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
  expect(await objections(container)).toEqual([]);
  await user.selectOptions(screen.getByLabelText('Show'), 'Failed (2)');
  expect(screen.queryByRole('heading', { name: /^C4/ })).toBeNull();
  expect(screen.getByRole('heading', { name: /^C1/ })).toBeVisible();
});
