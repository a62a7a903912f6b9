import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { axeViolations, open } from '../../test/open.js';
import { aPreview, aPreviewCompany } from '../../test/previews.js';
import { PATHS, refusal, serve } from '../../test/server.js';

const UNDER_WAY = aPreview({
  is_finished: false,
  finished_at: null,
  totals: { companies: 3, listed: 1, failed: 0, waiting: 2, found: 3, matched: 2 },
  companies: [
    aPreviewCompany(),
    aPreviewCompany({ position: 2, name: 'Beta', state: 'listing', found: null, matched: null }),
    aPreviewCompany({ position: 3, name: 'Gamma', state: 'waiting', found: null, matched: null }),
  ],
});

function servePreview(preview, more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: preview,
    [PATHS.createPreview]: { preview_id: 6 },
    'GET /api/ingestion/dry-run/6': aPreview({ preview_id: 6, totals: { matched: 66, found: 99 } }),
    ...more,
  };
  return { answers, requests: serve(answers) };
}

const times = (requests, path) => requests.mock.calls.filter(([call]) => call === path).length;
const totals = () => screen.findByRole('region', { name: 'Totals' });

test('a finished preview is shown and polled every ten seconds', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { requests } = servePreview(aPreview());
    const { container } = open('/ingest/preview');
    expect(await totals()).toHaveTextContent('2 of 3 postings from 1 company match your filters');
    await vi.advanceTimersByTimeAsync(9_000);
    expect(times(requests, PATHS.preview)).toBe(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(times(requests, PATHS.preview)).toBe(2);
    expect(requests).not.toHaveBeenCalledWith(PATHS.createPreview);
    vi.useRealTimers();
    expect(await axeViolations(container)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('the totals count only companies whose boards were read', async () => {
  servePreview(aPreview({ totals: { companies: 3, listed: 1, failed: 2 } }));
  open('/ingest/preview');
  expect(await totals()).toHaveTextContent('2 of 3 postings from 1 company match your filters');
  expect(await totals()).toHaveTextContent('2 not read');
});

test('without a preview, one is created automatically', async () => {
  const { requests } = servePreview(aPreview(), { [PATHS.latestPreview]: { preview_id: null } });
  open('/ingest/preview');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99 postings'));
  expect(times(requests, PATHS.createPreview)).toBe(1);
});

test('an outdated preview is created anew once', async () => {
  const { requests } = servePreview(aPreview({ is_current: false }), {
    'GET /api/ingestion/dry-run/6': aPreview({ preview_id: 6, is_current: false, totals: { matched: 66 } }),
  });
  const { user } = open('/ingest/preview');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 3'));
  expect(times(requests, PATHS.createPreview)).toBe(1);
  expect(await screen.findByText('Your companies have changed since this preview was made.')).toBeVisible();
  expect(screen.getByText('The preview is out of date.')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Make a new preview' }));
  await waitFor(() => expect(times(requests, PATHS.createPreview)).toBe(2));
  expect(requests).not.toHaveBeenCalledWith(PATHS.createPreview, expect.anything());
});

test('an outdated unfinished preview is created anew on arrival', async () => {
  const { requests } = servePreview({ ...UNDER_WAY, is_current: false });
  open('/ingest/preview');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99 postings'));
  expect(times(requests, PATHS.createPreview)).toBe(1);
});

test('a change and its undo in another window appear on focus', async () => {
  const { answers, requests } = servePreview(aPreview());
  open('/ingest/preview');
  await totals();
  answers[PATHS.preview] = aPreview({ is_current: false });
  fireEvent.focus(window);
  expect(await screen.findByText('The preview is out of date.')).toBeVisible();
  answers[PATHS.preview] = aPreview();
  fireEvent.focus(window);
  await waitFor(() => expect(screen.queryByText('The preview is out of date.')).toBeNull());
  expect(requests).not.toHaveBeenCalledWith(PATHS.createPreview);
});

test('an unfinished preview shows its progress', async () => {
  const { answers, requests } = servePreview(UNDER_WAY);
  const { container } = open('/ingest/preview');
  expect(await screen.findByText('1 of 3 boards read')).toBeVisible();
  expect(screen.getByRole('progressbar')).toHaveAttribute('value', '1');
  expect(screen.getByText('Reading now')).toBeVisible();
  expect(screen.getByText('Waiting')).toBeVisible();
  expect(
    screen.getByText(/^\d+ postings? so far\. The run waits for the 2 boards that are left\.$/),
  ).toBeVisible();
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveAttribute('aria-disabled', 'false');
  expect(screen.getByRole('button', { name: 'Refresh' })).toHaveAttribute('aria-disabled', 'true');
  expect(await axeViolations(container)).toEqual([]);
  answers[PATHS.preview] = aPreview();
  expect(await screen.findByText(/^Finished/)).toBeVisible();
  expect(screen.queryByRole('progressbar')).toBeNull();
  expect(requests).not.toHaveBeenCalledWith(PATHS.createPreview);
});

test('Refresh asks for new readings of the boards', async () => {
  const { requests } = servePreview(aPreview());
  const { user } = open('/ingest/preview');
  const button = await screen.findByRole('button', { name: 'Refresh' });
  expect(button).toHaveAccessibleDescription(/except those read in the last minute/);
  await user.click(button);
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99'));
  expect(requests).toHaveBeenCalledWith(PATHS.createPreview, { refresh: true });
  expect(times(requests, PATHS.createPreview)).toBe(1);
});

test('a Refresh that failed is repeated as a Refresh', async () => {
  const { answers, requests } = servePreview(aPreview(), {
    [PATHS.createPreview]: refusal(503, 'database_unavailable'),
  });
  const { user } = open('/ingest/preview');
  await user.click(await screen.findByRole('button', { name: 'Refresh' }));
  const again = await screen.findByRole('button', { name: 'Try again' });
  answers[PATHS.createPreview] = { preview_id: 6 };
  requests.mockClear();
  await user.click(again);
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99'));
  expect(requests).toHaveBeenCalledWith(PATHS.createPreview, { refresh: true });
});

test('a preview replaced by another tab leads to the new one', async () => {
  const { answers, requests } = servePreview(UNDER_WAY);
  open('/ingest/preview');
  await screen.findByText('1 of 3 boards read');
  answers[PATHS.latestPreview] = { preview_id: 6 };
  answers[PATHS.preview] = refusal(404, 'preview_not_found');
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99'));
  expect(requests).not.toHaveBeenCalledWith(PATHS.createPreview);
});

test('without companies there is a link to them and no start', async () => {
  const { requests } = servePreview(aPreview(), {
    [PATHS.latestPreview]: { preview_id: null },
    [PATHS.createPreview]: refusal(409, 'no_companies'),
  });
  const { container } = open('/ingest/preview');
  expect(await screen.findByText(/^None of your companies is enabled/)).toBeVisible();
  expect(screen.getByRole('link', { name: 'Choose companies' })).toHaveAttribute('href', '/ingest');
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveAttribute('aria-disabled', 'true');
  expect(screen.getByRole('button', { name: 'Start ingestion' })).toHaveAccessibleDescription(
    'There is no preview yet.',
  );
  expect(times(requests, PATHS.createPreview)).toBe(1);
  expect(await axeViolations(container)).toEqual([]);
});

test('an unconfirmed preview is reported and can be repeated', async () => {
  const { answers } = servePreview(aPreview(), {
    [PATHS.latestPreview]: { preview_id: null },
    [PATHS.createPreview]: refusal(503, 'database_unavailable'),
  });
  const { user } = open('/ingest/preview');
  expect(await screen.findByRole('alert')).toHaveTextContent(
    'We do not know whether the preview was created.',
  );
  answers[PATHS.createPreview] = { preview_id: 6 };
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(async () => expect(await totals()).toHaveTextContent('66 of 99'));
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a lost connection is reported, and the last state stays', async () => {
  const { answers } = servePreview(UNDER_WAY);
  open('/ingest/preview');
  await screen.findByText('1 of 3 boards read');
  answers[PATHS.preview] = new TypeError('Failed to fetch');
  expect(await screen.findByText('Connection lost. Trying again …')).toBeVisible();
  expect(screen.getByText('1 of 3 boards read')).toBeVisible();
  answers[PATHS.preview] = aPreview();
  expect(await screen.findByText(/^Finished/)).toBeVisible();
  expect(screen.queryByText('Connection lost. Trying again …')).toBeNull();
});

test('the cards are sorted by name, numbers by value', async () => {
  const companies = ['Co 10', 'Co 2'].map((name, index) => aPreviewCompany({ position: index + 1, name }));
  servePreview(aPreview({ companies }));
  open('/ingest/preview');
  const cards = await screen.findAllByRole('heading', { level: 3 });
  expect(cards.map((card) => card.textContent)).toEqual([
    expect.stringMatching(/^Co 2/),
    expect.stringMatching(/^Co 10/),
  ]);
});

test('each company shows its state with advice', async () => {
  const companies = [
    { outcome: 'not_found', state: 'failed', detail: 'Lever has no such board.' },
    { outcome: 'throttled', state: 'failed', retry_at: '2026-01-02T10:30:00Z' },
    { found: 0, matched: 0, outcome: 'empty' },
    { found: 9, matched: 4, is_complete: false, unparsed: 1 },
  ].map((changes, index) => aPreviewCompany({ position: index + 1, name: `C${index + 1}`, ...changes }));
  servePreview(aPreview({ companies, totals: { companies: 4, listed: 2, failed: 2 } }));
  const { user, container } = open('/ingest/preview');
  expect(await totals()).toHaveTextContent('2 not read');
  const card = (name) => screen.getByRole('heading', { name: new RegExp(`^${name}`) }).closest('li');
  expect(card('C1')).toHaveTextContent('Lever has no such board. Its address may have changed');
  expect(card('C2')).toHaveTextContent(/Try again after .*:30/);
  expect(card('C3')).toHaveTextContent('No postings');
  expect(card('C4')).toHaveTextContent('4 of 9 postings match');
  expect(card('C4')).toHaveTextContent('1 posting could not be read.');
  expect(within(card('C3')).queryByRole('button')).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
  await user.selectOptions(screen.getByLabelText('Show'), 'Not read (2)');
  expect(screen.queryByRole('heading', { name: /^C4/ })).toBeNull();
  expect(screen.getByRole('heading', { name: /^C1/ })).toBeVisible();
});
