import { expect, test, vi } from 'vitest';
import { ApiError } from '../api/client.js';
import { newIdempotencyKey } from './idempotencyKey.js';
import { isOutcomeKnown, retryDelay, shouldRetry } from './retryPolicy.js';

const error = (status, code = 'some_code', retryAfter) =>
  new ApiError(status, { code, detail: 'x' }, retryAfter);

test.each([
  [0, 'no_answer', true, false],
  [201, 'no_answer', true, false],
  [502, 'no_answer', true, false],
  [503, 'database_unavailable', true, false],
  [504, 'no_answer', true, false],
  [413, 'no_answer', true, false],
  [500, 'internal_error', false, false],
  [401, 'unauthenticated', false, false],
  [403, 'forbidden', false, true],
  [404, 'preview_not_found', false, true],
  [409, 'run_active', false, true],
  [422, 'idempotency_key_reused', false, true],
])('after %i %s: shouldRetry is %s, isOutcomeKnown is %s', (status, code, isRetried, isKnown) => {
  expect(shouldRetry(0, error(status, code))).toBe(isRetried);
  expect(isOutcomeKnown(error(status, code))).toBe(isKnown);
});

test('shouldRetry allows three retries', () => {
  expect([0, 1, 2, 3].map((failures) => shouldRetry(failures, error(0)))).toEqual([true, true, true, false]);
});

test.each([
  [[0, 1, 2], undefined, [500, 1000, 2000]],
  [[0, 2], 1, [1000, 2000]],
  [[0, 1], 2, [2000, 2000]],
  [[0, 2], 3600, [5000, 5000]],
])('retryDelay after %j failures with Retry-After %s', (failures, retryAfter, expected) => {
  const delays = failures.map((each) => retryDelay(each, error(503, 'some_code', retryAfter)));
  expect(delays).toEqual(expected);
});

test.each(['with', 'without'])('newIdempotencyKey is unique %s randomUUID', (how) => {
  if (how === 'without') {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
  }
  const keys = Array.from({ length: 50 }, newIdempotencyKey);
  expect(new Set(keys).size).toBe(50);
  expect(keys.every((key) => /^[0-9a-f-]{32,36}$/.test(key))).toBe(true);
});
