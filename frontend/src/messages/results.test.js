import { expect, test } from 'vitest';
import { anEndedRun, aRun } from '../test/server.js';
import { changes, promise, runCounts, runSubject } from './results.js';

test.each([
  [{}, ''],
  [{ jobs_new: 1 }, '1 new job'],
  [{ jobs_changed: 2 }, '2 jobs changed'],
  [{ jobs_ready: 9, jobs_skipped: 2 }, '9 jobs new or changed'],
  [{ jobs_reopened: 1, jobs_expired: 3 }, '1 job back again, 3 gone'],
])('changes of %j is %j', (counts, expected) => {
  expect(changes(aRun(counts))).toBe(expected);
});

test.each([
  [{}, ''],
  [{ companies_total: 1 }, '1 company'],
  [
    { companies_total: 10, companies_failed: 2, previewed: 157, retry_of: 12 },
    '10 companies · 2 failed · 157 previewed · Retry of run 12',
  ],
])('runSubject of %j is %j', (counts, expected) => {
  expect(runSubject(aRun(counts))).toBe(expected);
});

test('runCounts is empty without jobs, and leaves out what is not known yet', () => {
  expect(runCounts(aRun())).toEqual([]);
  expect(runCounts(aRun({ jobs_new: 1 })).map(({ name }) => name)).toEqual([
    'New',
    'Changed',
    'Back again',
    'Unchanged',
  ]);
  const ended = anEndedRun('finished', { jobs_skipped: 4, jobs_expired: 0, jobs_failed: 2 });
  expect(runCounts(ended).map(({ count }) => count)).toEqual([0, 0, 0, 4, 0, 2]);
});

test('runCounts of a run that did not count its jobs apart has their sum', () => {
  const ended = anEndedRun('finished', { jobs_ready: 9, jobs_skipped: 2, jobs_expired: 0, jobs_failed: 1 });
  expect(runCounts(ended).map(({ name, count }) => `${name} ${count}`)).toEqual([
    'New or changed 9',
    'Unchanged 2',
    'Gone 0',
    'Could not be read 1',
  ]);
});

test.each([
  [{}, ''],
  [{ previewed: 120 }, 'As previewed: 120.'],
  [{ previewed: 120, total_jobs: 123 }, '120 were previewed, 123 matched.'],
  [
    { previewed: 120, companies_failed: 1 },
    '120 were previewed, 120 matched. Companies that failed are not counted.',
  ],
  [
    { previewed: 120, total_jobs: 100, companies_failed: 1 },
    '120 were previewed, 100 matched. Companies that failed are not counted.',
  ],
])('promise of a finished run with %j is %j', (counts, expected) => {
  expect(promise(anEndedRun('finished', { total_jobs: 120, ...counts }))).toBe(expected);
});

test('promise of a run that is not finished only says what was previewed', () => {
  expect(promise(aRun({ previewed: 120 }))).toBe('120 postings were previewed.');
  expect(promise(anEndedRun('aborted', { previewed: 1, total_jobs: 1 }))).toBe('1 posting was previewed.');
});
