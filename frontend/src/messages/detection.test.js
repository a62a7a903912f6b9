import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { detectionError } from './detection.js';

const CODES = [
  'address_refused',
  'board_not_recognised',
  'several_boards',
  'board_not_found',
  'board_gone',
  'board_forbidden',
  'board_throttled',
  'board_changed',
  'board_unreachable',
  'board_moved',
  'board_out_of_time',
  'board_busy',
  'too_many_requests',
  'too_many_detections',
  'detect_busy',
  'detect_unavailable',
];
const refusal = (code, members = {}) => new ApiError(422, { code, detail: 'Some detail.', ...members });

test.each(CODES)('detectionError for %s has a reason and advice', (code) => {
  const { reason, advice } = detectionError(refusal(code));
  expect(reason).toMatch(/\.$/);
  expect(advice).toMatch(/[.?]$/);
  expect(advice).not.toMatch(/remove/i);
});

test('detectionError offers to follow a moved board to a known address', () => {
  const candidates = [{ source: 'lever', source_name: 'Lever', board: 'acme' }];
  expect(detectionError(refusal('board_moved', { candidates }))).toEqual({
    reason: 'The board has moved.',
    advice: 'Choose its new address:',
  });
  expect(detectionError(refusal('board_moved', { candidates: [] })).advice).toMatch(/^Open the board/);
});

test('detectionError tells our rate limit from a slow board', () => {
  expect(detectionError(refusal('board_busy'))).toEqual({
    reason: 'Many boards of this kind are being read right now.',
    advice: 'Try again in a minute.',
  });
  expect(detectionError(refusal('board_out_of_time')).advice).toMatch(/^Try again\. A large board/);
});

test('detectionError for a refused address has the server’s reason', () => {
  expect(detectionError(refusal('address_refused'))).toEqual({
    reason: 'Some detail.',
    advice: 'Paste the public https address of the company’s careers page.',
  });
});

test('detectionError for an unknown code and for a missing answer', () => {
  expect(detectionError(refusal('odd_code')).reason).toBe('Some detail.');
  const lost = new ApiError(0, { code: 'no_answer', detail: 'x' });
  expect(detectionError(lost).reason).toBe('No answer came in time.');
});

test('detectionError after too many attempts says how long to wait', () => {
  const problem = { code: 'too_many_requests', detail: 'x' };
  expect(detectionError(new ApiError(429, problem, 30)).advice).toBe('Try again in 30 s.');
  expect(detectionError(new ApiError(429, problem)).advice).toBe('Try again in a minute.');
});

test('detectionError for a switched-off source is the server’s sentence', () => {
  expect(detectionError(refusal('source_off'))).toEqual({ reason: 'Some detail.', advice: '' });
});
