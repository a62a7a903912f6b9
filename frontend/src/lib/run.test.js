import { expect, test } from 'vitest';
import { anEndedRun, aRun } from '../test/server.js';
import { runCounts, runDuration } from './run.js';

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

test('runCounts is empty while all counts are zero', () => {
  expect(runCounts(aRun())).toEqual([]);
  expect(
    runCounts(aRun({ jobs_ready: 0, jobs_skipped: 0, jobs_expired: 0, jobs_failed: 0, total_jobs: 0 })),
  ).toEqual([]);
});

test('runCounts leaves out unknown counts and keeps zeros', () => {
  expect(runCounts(aRun({ total_jobs: 12, jobs_ready: 0 }))).toEqual([
    { name: 'Postings', count: 12 },
    { name: 'Ready', count: 0 },
  ]);
});
