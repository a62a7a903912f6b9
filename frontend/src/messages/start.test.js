import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { aPreview, aPreviewCompany } from '../test/previews.js';
import { startBlocker, startError, startHint, startQuestion } from './start.js';

test.each([
  [undefined, 'There is no preview yet.'],
  [aPreview({ is_finished: false, totals: { waiting: 1 } }), null],
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
  expect(startQuestion(preview).text).toContain('These boards could not be read: Beta, Gamma.');
  expect(startQuestion(aPreview()).text).not.toContain('could not be read');
  const many = Array.from({ length: 9 }, (_, index) => failed(`C${index}`));
  expect(startQuestion(aPreview({ companies: many })).text).toContain('C0, C1, C2, C3, 5 others.');
});

test.each([
  [1, 'The run waits for the board that is left.'],
  [3, 'The run waits for the 3 boards that are left.'],
])('startQuestion and startHint with %i boards left say that the run waits', (waiting, words) => {
  const preview = aPreview({ is_finished: false, totals: { companies: 4, waiting } });
  const { title, text } = startQuestion(preview);
  expect(title).toBe('Start before every board is read?');
  expect(text).toContain(`So far, 2 postings of 1 company match. ${words}`);
  expect(startHint(preview)).toBe(`2 postings so far. ${words}`);
});

test('startHint of a finished preview is empty', () => {
  expect(startHint(aPreview())).toBe('');
});

test.each(['preview_outdated', 'preview_not_found'])('startError for %s asks for a new preview', (code) => {
  const problem = startError(new ApiError(409, { code, detail: 'x' }));
  expect(problem?.needsRefresh).toBe(true);
  expect(problem?.sentence).toMatch(/nothing was started\.$/);
});

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
