import { screen, within } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { axeViolations, open } from '../../../test/open.js';
import { aPreview, aPreviewCompany } from '../../../test/previews.js';
import { PATHS, serve } from '../../../test/server.js';

function serveCompanies(...companies) {
  serve({
    [PATHS.current]: { run_id: null },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: aPreview({
      companies: companies.map((changes, index) => aPreviewCompany({ position: index + 1, ...changes })),
    }),
  });
}

const card = async (name) =>
  (await screen.findByRole('heading', { name: new RegExp(`^${name}`) })).closest('li');

afterEach(() => {
  vi.useRealTimers();
});

test('a card tells the age of its listing by the server’s clock', async () => {
  // The browser's clock is a day ahead.
  vi.useFakeTimers({ shouldAdvanceTime: true, now: Date.parse('2026-01-03T10:01:00Z') });
  serveCompanies({ listed_at: '2026-01-02T09:57:30Z' }, { name: 'Beta', state: 'failed', outcome: 'gone' });
  const { container } = open('/ingest/preview');
  const acme = within(await card('Acme'));
  const age = acme.getByText('read 3 minutes ago');
  expect(age).toHaveAttribute('datetime', '2026-01-02T09:57:30Z');
  expect(age.title).toMatch(/:30/);
  expect(await card('Beta')).not.toHaveTextContent('ago');
  vi.useRealTimers();
  expect(await axeViolations(container)).toEqual([]);
});

test('the age of a listing grows while the page is open', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  serveCompanies({ listed_at: '2026-01-02T09:57:30Z' });
  open('/ingest/preview');
  await screen.findByText('read 3 minutes ago');
  // An answer would show the cards again.
  vi.stubGlobal('fetch', () => new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(45_000);
  expect(await screen.findByText('read 4 minutes ago')).toBeVisible();
});

test('held, partial and empty listings show their sentence', async () => {
  serveCompanies(
    { name: 'Held', outcome: 'held', detail: 'The board shrank from 120 to 40 postings.' },
    { name: 'Part', outcome: 'partial', is_complete: false, detail: 'One page is missing.' },
    {
      name: 'Odd',
      outcome: 'partial',
      is_complete: false,
      found: 0,
      matched: 0,
      unparsed: 12,
      detail: 'None of its 12.',
    },
    { name: 'Void', outcome: 'empty', found: 0, matched: 0, detail: '9 postings still count as open.' },
  );
  const { container } = open('/ingest/preview');
  expect(await card('Held')).toHaveTextContent('The board shrank from 120 to 40 postings.');
  expect(await card('Part')).toHaveTextContent('One page is missing.');
  expect(await card('Part')).not.toHaveTextContent('more postings than could be read');
  expect(await card('Odd')).toHaveTextContent(/None read.*None of its 12\./);
  expect(await card('Void')).toHaveTextContent('No postings');
  expect(await card('Void')).toHaveTextContent('9 postings still count as open.');
  expect(within(await card('Held')).getByRole('button')).toHaveAttribute('aria-expanded', 'false');
  expect(await axeViolations(container)).toEqual([]);
});
