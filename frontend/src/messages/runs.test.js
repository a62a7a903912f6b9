import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { aPreview, aPreviewCompany } from '../test/previews.js';
import { aRun } from '../test/server.js';
import { actorPhrase, startBlocker, startError, startQuestion, statusSentence } from './runs.js';

test.each([
  ['pending', {}, 'The run is waiting to begin. This can take a few minutes.'],
  [
    'pending',
    { dispatched_at: '2026-01-02T10:00:01Z' },
    'The run is waiting to begin. This version does not collect jobs yet: the run stays pending until you abort it.',
  ],
  ['initializing', {}, 'Checking which postings there are.'],
  ['ingesting', {}, 'Collecting jobs.'],
  ['finished', {}, 'The run ended normally.'],
  ['error', {}, 'The run ended with an error.'],
  ['aborted', {}, 'The run was aborted before it finished.'],
  ['resting', {}, 'The run is resting.'],
])('statusSentence of %s %o', (status, changes, expected) => {
  expect(statusSentence(aRun({ status, ...changes }))).toBe(expected);
});

test.each([
  ['user', 'by you'],
  ['operator', 'by the operator'],
  ['worker', 'automatically'],
  ['rescue', 'automatically, because the collection stopped responding'],
  ['sql:app', 'by the operator, in the database'],
])('actorPhrase of %s', (actor, expected) => {
  expect(actorPhrase(actor)).toBe(expected);
});

test.each([
  [undefined, 'There is no preview yet.'],
  [aPreview({ is_finished: false }), 'The preview is not finished yet.'],
  [aPreview({ totals: { companies: 0 } }), 'The preview has no companies.'],
  [aPreview({ is_current: false }), 'The preview is out of date.'],
  [aPreview(), null],
])('startBlocker, case %#', (preview, expected) => {
  expect(startBlocker(preview)).toBe(expected);
});

test('startQuestion has the numbers and names the failed companies', () => {
  const failed = (name) => aPreviewCompany({ name, state: 'failed' });
  const preview = aPreview({
    totals: { companies: 3, listed: 1, matched: 1, failed: 2 },
    companies: [aPreviewCompany(), failed('Beta'), failed('Gamma')],
  });
  expect(startQuestion(preview).title).toBe('Collect 1 posting from 1 company?');
  expect(startQuestion(preview).text).toContain(
    'Not included, because their boards could not be read: Beta, Gamma.',
  );
  expect(startQuestion(aPreview()).text).not.toContain('Not included');
  const many = Array.from({ length: 9 }, (_, index) => failed(`C${index}`));
  expect(startQuestion(aPreview({ companies: many })).text).toContain('C0, C1, C2, C3, 5 others.');
});

test('startQuestion says that this version collects no jobs', () => {
  expect(startQuestion(aPreview()).text).toContain('This version does not collect jobs yet');
});

test.each(['preview_outdated', 'preview_unfinished', 'preview_not_found'])(
  'startError for %s asks for a new preview',
  (code) => {
    const problem = startError(new ApiError(409, { code, detail: 'x' }));
    expect(problem?.needsRefresh).toBe(true);
    expect(problem?.sentence).toMatch(/nothing was started\.$/);
  },
);

test.each([
  [403, 'cross_site'],
  [422, 'idempotency_key_reused'],
])('startError for a refusal with %i says that no run was started', (status, code) => {
  expect(startError(new ApiError(status, { code, detail: 'Some detail.' }))).toEqual({
    sentence: 'The run was not started. Some detail.',
    needsRefresh: false,
  });
});

test('startError without an answer does not know the outcome', () => {
  expect(startError(new ApiError(503, { code: 'database_unavailable', detail: 'Unavailable.' }))).toEqual({
    sentence:
      'We do not know whether the run was started. The server is temporarily unavailable. ' +
      'Try again: the same start is never carried out twice.',
    needsRefresh: false,
  });
});

test('startError has no message for run_active', () => {
  expect(startError(new ApiError(409, { code: 'run_active', detail: 'x' }))).toBeNull();
  expect(startError(null)).toBeNull();
});
