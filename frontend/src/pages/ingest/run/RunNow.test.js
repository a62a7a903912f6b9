import { screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { axeViolations, open } from '../../../test/open.js';
import { aFailedCompany, aRunCompany } from '../../../test/runs.js';
import { anEndedRun, aRun, PATHS, serve } from '../../../test/server.js';

const COUNTS = {
  companies_total: 4,
  companies_waiting: 1,
  companies_reading: 1,
  companies_read: 1,
  companies_failed: 1,
  revision: 10_001_000_000_000,
};
const READING = aRun({ status: 'initializing', worker_seen_at: '2026-01-02T10:00:01Z', ...COUNTS });
const HEALTHY = { status: 'ok', checks: { worker: { ok: true }, reader: { ok: true } } };
const COMPANIES = { companies: [aFailedCompany(), aRunCompany()], next: null, revision: 1 };

function serveRun(run, more = {}) {
  const answers = {
    [PATHS.run]: run,
    [PATHS.events]: { events: [] },
    [PATHS.runCompanies]: COMPANIES,
    [PATHS.health]: HEALTHY,
    ...more,
  };
  return { answers, requests: serve(answers) };
}

test('a run that reads boards has a bar of its companies', async () => {
  serveRun(READING);
  const { container } = open('/ingest/runs/7');
  const bar = await screen.findByRole('progressbar', { name: 'Boards read' });
  expect(bar).toHaveAttribute('aria-valuenow', '2');
  expect(bar).toHaveAttribute('aria-valuemax', '4');
  expect(bar).toHaveAttribute('aria-valuetext', 'Reading boards, 2 of 4 boards done');
  expect(screen.getByText(/^1 board could not be read\. 1 being read now\./)).toBeVisible();
  expect(await screen.findByText('Beta')).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
});

test('a run that takes in jobs has a bar of its jobs', async () => {
  serveRun(
    aRun({
      ...READING,
      status: 'ingesting',
      total_jobs: 159,
      jobs_new: 7,
      jobs_unchanged: 80,
      jobs_done: 87,
    }),
  );
  const { container } = open('/ingest/runs/7');
  const bar = await screen.findByRole('progressbar', { name: 'Jobs done' });
  expect(bar).toHaveAttribute('aria-valuenow', '87');
  expect(bar).toHaveAttribute('aria-valuemax', '159');
  expect(screen.getByRole('heading', { name: '7 new jobs so far, 87 of 159 jobs done' })).toBeVisible();
  expect(screen.getByText('Unchanged').nextSibling).toHaveTextContent('80');
  expect(screen.queryByText('Gone')).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
});

test('a run whose closings wait for a worker says so without a bar', async () => {
  serveRun(aRun({ ...READING, status: 'ingesting' }));
  open('/ingest/runs/7');
  expect(await screen.findByText('Waiting for a worker to go on.')).toBeVisible();
  expect(screen.queryByRole('progressbar')).toBeNull();
});

test.each([
  [aRun(), 'worker', /^No worker is running .* Your run is kept and starts as soon as one is back\./],
  [aRun({ ...READING, companies_reading: 0 }), 'reader', /^No program reads boards/],
])('case %#: the missing program is named, until it is back', async (run, name, words) => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const missing = { status: 'degraded', checks: { ...HEALTHY.checks, [name]: { ok: false } } };
    const { answers } = serveRun(run, { [PATHS.health]: missing });
    const { container } = open('/ingest/runs/7');
    expect(await screen.findByText(words)).toBeVisible();
    expect(await axeViolations(container)).toEqual([]);
    answers[PATHS.health] = HEALTHY;
    await vi.advanceTimersByTimeAsync(6_000);
    await waitFor(() => expect(screen.queryByText(words)).toBeNull());
  } finally {
    vi.useRealTimers();
  }
});

test('the health is not requested for a run that has just started', async () => {
  const { requests } = serveRun(aRun({ server_time: '2026-01-02T10:00:01Z' }));
  open('/ingest/runs/7');
  await screen.findByText('Pending');
  expect(requests).not.toHaveBeenCalledWith(PATHS.health);
});

test('a run without changes has no link to its jobs', async () => {
  serveRun(anEndedRun('finished', { jobs_skipped: 4, total_jobs: 4 }));
  open('/ingest/runs/7');
  expect(await screen.findByRole('link', { name: 'Set up a new run' })).toHaveClass('button--primary');
  expect(screen.queryByRole('link', { name: 'See the jobs of this run' })).toBeNull();
});
