import { screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { axeViolations, open, unisolatedTexts } from '../../../test/open.js';
import { aFailedCompany, aRunCompany } from '../../../test/runs.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../../../test/server.js';

const READING = aRun({ status: 'initializing', companies_total: 2, companies_reading: 1, revision: 10 });
const ENDED = anEndedRun('finished', { companies_total: 2, companies_taken_in: 1, companies_failed: 1 });

function serveRun(run, companies, more = {}) {
  const answers = {
    [PATHS.run]: run,
    [PATHS.events]: { events: [] },
    [PATHS.runCompanies]: { companies, next: null, revision: 1 },
    ...more,
  };
  return { answers, requests: serve(answers) };
}

const times = (requests, path) => requests.mock.calls.filter(([call]) => call === path).length;

test('each company has its state, its numbers or its reason, and its board', async () => {
  serveRun(ENDED, [aFailedCompany({ detail: 'The board answers 404.' }), aRunCompany({ previewed: 40 })]);
  const { container } = open('/ingest/runs/7');
  const [failed, done] = await waitFor(() => {
    const rows = container.querySelectorAll('.rc-row');
    expect(rows).toHaveLength(2);
    return rows;
  });
  expect(failed).toHaveTextContent(/Beta.*Not read.*The board answers 404\./);
  expect(done).toHaveTextContent('42 of 161 postings match: 4 new, 1 changed, 37 unchanged. 40 previewed.');
  expect(screen.getByRole('link', { name: 'Greenhouse board of Acme' })).toHaveAttribute(
    'href',
    'https://job-boards.greenhouse.io/acme',
  );
  expect(await axeViolations(container)).toEqual([]);
});

test('the companies are fetched again only when the run has changed', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { answers, requests } = serveRun(READING, [
      aRunCompany({ state: 'reading', found: null, matched: null }),
    ]);
    open('/ingest/runs/7');
    expect(await screen.findByText('Reading now')).toBeVisible();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(times(requests, PATHS.run)).toBeGreaterThan(3);
    expect(times(requests, PATHS.runCompanies)).toBe(1);
    answers[PATHS.runCompanies] = { companies: [aRunCompany({ state: 'read' })], next: null, revision: 11 };
    answers[PATHS.run] = { ...READING, companies_reading: 0, companies_read: 1, revision: 11 };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await screen.findByText('Read')).toBeVisible();
    expect(times(requests, PATHS.runCompanies)).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

test('a company that an aborted run left behind is not said to wait', async () => {
  const aborted = anEndedRun('aborted', { companies_total: 1, companies_waiting: 1 });
  serveRun(aborted, [aRunCompany({ state: 'waiting', found: null, matched: null })]);
  open('/ingest/runs/7');
  expect(await screen.findByText('Not reached')).toBeVisible();
  expect(screen.queryByText('Waiting')).toBeNull();
});

test('More companies shows the next page and focuses the heading', async () => {
  serveRun(ENDED, [], {
    [PATHS.runCompanies]: { companies: [aFailedCompany()], next: 'p2', revision: 1 },
    [`${PATHS.runCompanies}&after=p2`]: { companies: [aRunCompany()], next: null, revision: 1 },
  });
  const { user, container } = open('/ingest/runs/7');
  await user.click(await screen.findByRole('link', { name: 'More companies' }));
  expect(await screen.findByText('Acme')).toBeVisible();
  expect(screen.getByRole('heading', { name: 'Companies' })).toHaveFocus();
  expect(screen.queryByRole('link', { name: 'More companies' })).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('link', { name: 'First companies' }));
  expect(await screen.findByText('Beta')).toBeVisible();
});

test('companies that could not be loaded are fetched again', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { answers } = serveRun(ENDED, [], { [PATHS.runCompanies]: refusal(503, 'database_unavailable') });
    open('/ingest/runs/7');
    expect(await screen.findByText(/^The companies of this run could not be loaded\./)).toBeVisible();
    answers[PATHS.runCompanies] = { companies: [aRunCompany()], next: null, revision: 1 };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await screen.findByText('Acme')).toBeVisible();
  } finally {
    vi.useRealTimers();
  }
});

test('texts of a company that change the direction are isolated', async () => {
  const text = 'It \u202eshrank.';
  serveRun(ENDED, [aFailedCompany({ name: 'B\u202eeta', detail: text }), aRunCompany({ detail: text })]);
  const { container } = open('/ingest/runs/7');
  await screen.findByText('Acme');
  expect(unisolatedTexts(container)).toEqual([]);
});
