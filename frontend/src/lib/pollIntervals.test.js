import { expect, test } from 'vitest';
import { aPreview } from '../test/previews.js';
import { previewPollInterval } from './pollIntervals.js';

test.each([
  [0, 1000],
  [200, 1000],
  [201, 2000],
  [600, 2000],
  [601, 4000],
])('previewPollInterval for %i companies is %i ms', (companies, expected) => {
  expect(previewPollInterval(aPreview({ is_finished: false, totals: { companies } }))).toBe(expected);
});

test('previewPollInterval for a finished and a missing preview', () => {
  expect(previewPollInterval(aPreview({ totals: { companies: 900 } }))).toBe(10_000);
  expect(previewPollInterval(undefined)).toBe(1000);
});
