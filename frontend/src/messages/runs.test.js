import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { aPreview, aPreviewCompany } from '../test/previews.js';
import { question, startBlocker, startError } from './runs.js';

test.each([
  [undefined, 'There is no preview yet.'],
  [aPreview({ is_finished: false }), 'The preview is still under way.'],
  [aPreview({ totals: { companies: 0 } }), 'The preview has no companies.'],
  [aPreview({ is_current: false }), 'The preview is out of date.'],
  [aPreview(), null],
])('why not to start, case %#', (preview, expected) => {
  expect(startBlocker(preview)).toBe(expected);
});

test('the question has the numbers, and names what failed', () => {
  const failed = (name) => aPreviewCompany({ name, state: 'failed' });
  const preview = aPreview({
    totals: { companies: 3, listed: 1, taken: 1, failed: 2 },
    companies: [aPreviewCompany(), failed('Beta'), failed('Gamma')],
  });
  expect(question(preview).title).toBe('Start ingestion of 1 posting of 1 company?');
  expect(question(preview).text).toContain('Left out, because listing failed: Beta, Gamma.');
  expect(question(aPreview()).text).not.toContain('Left out');
  const many = Array.from({ length: 9 }, (_, index) => failed(`C${index}`));
  expect(question(aPreview({ companies: many })).text).toContain('C0, C1, C2, C3, 5 others.');
});

test.each(['preview_outdated', 'preview_unfinished', 'preview_not_found'])(
  '%s needs a new preview',
  (code) => {
    const problem = startError(new ApiError(409, { code, detail: 'x' }));
    expect(problem?.needsRefresh).toBe(true);
    expect(problem?.sentence).toMatch(/nothing was started\.$/);
  },
);

test('other failures are told as unconfirmed, and a run that is active is none', () => {
  expect(startError(new ApiError(503, { code: 'database_unavailable', detail: 'Away.' }))).toEqual({
    sentence: 'The start was not confirmed. Away.',
    needsRefresh: false,
  });
  expect(startError(new ApiError(409, { code: 'run_active', detail: 'x' }))).toBeNull();
  expect(startError(null)).toBeNull();
});
