import { expect, test } from 'vitest';
import { anEndedRun, aRun } from '../test/server.js';
import { by, counts, runDuration, sentence } from './run.js';

test('an active run has lasted as long as the server says, and since its answer', () => {
  expect(runDuration(aRun(), 0)).toBe(65_000);
  expect(runDuration(aRun(), 2_500)).toBe(67_500);
});

test('an answer from the future, by a clock that was set back, takes nothing off', () => {
  expect(runDuration(aRun(), -9_000)).toBe(65_000);
});

test('an ended run lasted until its end, however long ago that was', () => {
  expect(runDuration(anEndedRun('aborted'), 99_000)).toBe(12_000);
});

test.each([
  ['pending', {}, 'Waiting for a worker.'],
  [
    'pending',
    { dispatched_at: '2026-01-02T10:00:01Z' },
    'A worker has it. The ingestion step is a placeholder in this version, so the run stays pending until you abort it.',
  ],
  ['initializing', {}, 'A worker is finding out what there is to take in.'],
  ['ingesting', {}, 'A worker is taking postings in.'],
  ['finished', {}, 'The run went through to its end.'],
  ['error', {}, 'The run ended in an error.'],
  ['aborted', {}, 'The run was aborted before its end.'],
  ['resting', {}, 'The run is resting.'],
])('a run that is %s %o', (status, changes, expected) => {
  expect(sentence(aRun({ status, ...changes }))).toBe(expected);
});

test('no counts while there are none, or all are zero', () => {
  expect(counts(aRun())).toEqual([]);
  expect(
    counts(aRun({ jobs_ready: 0, jobs_skipped: 0, jobs_expired: 0, jobs_failed: 0, total_jobs: 0 })),
  ).toEqual([]);
});

test('counts that are known, a zero among them included, and no others', () => {
  expect(counts(aRun({ total_jobs: 12, jobs_ready: 0 }))).toEqual([
    { name: 'Postings', count: 12 },
    { name: 'Ready', count: 0 },
  ]);
});

test.each([
  ['user', 'by you'],
  ['operator', 'by the operator'],
  ['worker', 'by a worker'],
  ['rescue', 'by the rescue of a dead worker'],
  ['sql:app', 'by a statement in the database'],
])('the actor %s', (actor, expected) => {
  expect(by(actor)).toBe(expected);
});
