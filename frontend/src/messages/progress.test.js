import { expect, test } from 'vitest';
import { someClosings } from '../test/runs.js';
import { aRun } from '../test/server.js';
import { barKey, headline, runWaitingReason } from './progress.js';

const SEEN = { worker_seen_at: '2026-01-02T10:01:00Z' };

test.each([
  ['pending', {}, 'Waiting for a worker'],
  ['pending', { dispatched_at: '2026-01-02T10:00:01Z' }, 'Waiting for a worker'],
  ['pending', SEEN, 'A worker has this run and begins'],
  [
    'initializing',
    { companies_total: 10, companies_read: 4, companies_failed: 2, companies_reading: 1 },
    'Reading boards, 6 of 10 boards done',
  ],
  [
    'initializing',
    { companies_total: 10, companies_read: 4, companies_failed: 2, companies_waiting: 4 },
    'Waiting for boards, 6 of 10 boards done',
  ],
  [
    'initializing',
    { companies_total: 10, companies_read: 8, companies_failed: 2 },
    'No board is left to read',
  ],
  ['ingesting', { total_jobs: 159, jobs_new: 7, jobs_done: 87 }, '7 new jobs so far, 87 of 159 jobs done'],
  ['ingesting', { total_jobs: 1 }, 'Nothing new so far, 0 of 1 job done'],
  ['finished', { jobs_new: 12, jobs_changed: 3, jobs_expired: 1 }, '12 new jobs, 3 changed, 1 gone'],
  ['finished', { jobs_skipped: 4 }, 'Nothing new, 4 jobs unchanged'],
  ['finished', { jobs_skipped: 4, closings: someClosings() }, 'Nothing new, 60 jobs may be gone'],
  [
    'finished',
    { jobs_new: 1, closings: someClosings({ state: 'answered', expire: true, expired: 59 }) },
    '1 new job, 59 jobs closed by you',
  ],
  [
    'finished',
    { jobs_skipped: 4, closings: someClosings({ state: 'answered', expire: false }) },
    'Nothing new, 4 jobs unchanged',
  ],
  ['finished', { jobs_ready: 0 }, 'No job came of this run'],
  ['finished', {}, 'The run has finished'],
  ['finished', { note: 'No company was enabled.' }, 'There was nothing to ingest'],
  ['error', {}, 'The run ended with an error'],
  ['aborted', { jobs_new: 1 }, '1 new job before the abort'],
  ['aborted', {}, 'Aborted before it brought a job'],
  ['resting', {}, 'The run is resting'],
])('headline of %s %o', (status, changes, expected) => {
  expect(headline(aRun({ status, ...changes }))).toBe(expected);
});

test('barKey names failed boards', () => {
  expect(
    barKey(aRun({ status: 'initializing', companies_failed: 1, companies_reading: 2, companies_waiting: 1 })),
  ).toBe(
    '1 board could not be read. 2 being read now. Your jobs change only when all boards are read or given up.',
  );
});

test.each([
  [{ status: 'ingesting' }, true],
  [{ status: 'ingesting', ...SEEN }, false],
  [{ status: 'ingesting', worker_seen_at: '2026-01-02T10:00:50Z' }, true],
  [{ status: 'initializing', companies_read: 2 }, true],
  [{ status: 'initializing', companies_read: 2, ...SEEN }, false],
  [{ status: 'initializing', companies_waiting: 2 }, false],
])('barKey of %j waits for a worker: %s', (changes, waits) => {
  expect(barKey(aRun(changes)).includes('Waiting for a worker to go on.')).toBe(waits);
});

const failing = (...names) => ({
  status: 'degraded',
  checks: Object.fromEntries(
    ['reader', 'worker', 'redis', 'boards'].map((name) => [name, { ok: !names.includes(name) }]),
  ),
});

test.each([
  ['pending', { status: 'ok' }, null],
  ['pending', { status: 'degraded' }, /^A part of this server does not work/],
  ['pending', failing('redis'), null],
  ['pending', failing('reader'), null],
  [
    'pending',
    failing('worker'),
    /^No worker is running .* Your run is kept and starts as soon as one is back\./,
  ],
  ['ingesting', failing('worker'), /^No worker is running .* goes on as soon as one is back\.$/],
  ['initializing', failing('reader'), /^No program reads boards .* goes on as soon as one is back\.$/],
  ['initializing', failing('boards'), /^Boards wait for more than 5 minutes .* goes on by itself\.$/],
  ['ingesting', failing('reader', 'boards'), null],
])('runWaitingReason of a run that is %s with %j', (status, health, expected) => {
  const reason = runWaitingReason(aRun({ status }), health);
  if (expected) {
    expect(reason).toMatch(expected);
  } else {
    expect(reason).toBeNull();
  }
});
