import { expect, test } from 'vitest';
import { anEndedRun, aRun } from '../test/server.js';
import { hasJobs, jobsUnchanged, runBar, runDuration } from './run.js';

test('runDuration of an active run adds the time since the answer', () => {
  expect(runDuration(aRun(), 0)).toBe(65_000);
  expect(runDuration(aRun(), 2_500)).toBe(67_500);
});

test('runDuration ignores a browser clock that was set back', () => {
  expect(runDuration(aRun(), -9_000)).toBe(65_000);
});

test('runDuration of an ended run ends at its end', () => {
  expect(runDuration(anEndedRun('aborted'), 99_000)).toBe(12_000);
});

test('jobsUnchanged is the count so far, or that of an earlier version', () => {
  expect(jobsUnchanged(aRun({ jobs_unchanged: 77 }))).toBe(77);
  expect(jobsUnchanged(anEndedRun('finished', { jobs_skipped: 3 }))).toBe(3);
});

test.each([
  [{}, false],
  [{ jobs_new: 1 }, true],
  [{ jobs_skipped: 1 }, true],
  [{ jobs_expired: 1 }, true],
])('hasJobs of %j is %s', (changes, expected) => {
  expect(hasJobs(aRun(changes))).toBe(expected);
});

test('runBar measures companies first and jobs afterwards', () => {
  const companies = {
    companies_total: 10,
    companies_read: 5,
    companies_taken_in: 1,
    companies_failed: 2,
    companies_reading: 1,
  };
  expect(runBar(aRun({ status: 'initializing', ...companies }))).toEqual({
    total: 10,
    parts: [
      { tone: 'done', count: 6 },
      { tone: 'bad', count: 2 },
      { tone: 'work', count: 1 },
    ],
  });
  expect(runBar(aRun({ status: 'ingesting', total_jobs: 159, jobs_done: 87 }))).toEqual({
    total: 159,
    parts: [{ tone: 'done', count: 87 }],
  });
});

test.each([{}, { status: 'initializing' }, { status: 'ingesting' }, { status: 'finished', total_jobs: 3 }])(
  'runBar of %j has nothing to measure',
  (changes) => {
    expect(runBar(aRun(changes))).toBeNull();
  },
);
