import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { detectionError, toUrl } from '../lib/detection.js';
import { failure, lastListing } from './boards.js';

const OUTCOMES = [
  'not_found',
  'gone',
  'forbidden',
  'throttled',
  'changed',
  'unreachable',
  'moved',
  'out_of_time',
];
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
  'detect_busy',
  'detect_unavailable',
];
const refusal = (code, members = {}) => new ApiError(422, { code, detail: 'Some detail.', ...members });

test('every outcome has its own reason and its own advice', () => {
  const told = OUTCOMES.map((outcome) => failure({ outcome, detail: null }));
  expect(new Set(told.map(({ why }) => why)).size).toBe(OUTCOMES.length);
  expect(new Set(told.map(({ advice }) => advice)).size).toBe(OUTCOMES.length);
});

test('the server’s own words come first, and an unknown outcome is told too', () => {
  expect(failure({ outcome: 'gone', detail: 'Closed in May.' }).why).toBe('Closed in May.');
  expect(failure({ outcome: 'tired', detail: null })).toEqual({ why: 'It failed.', advice: 'Try again.' });
});

test('words of the server that turn their direction round do not turn the advice', () => {
  const { text } = lastListing({ outcome: 'gone', detail: 'No \u202ex.' }) ?? {};
  expect(text).toMatch(/^\u2068No \u202ex\.\u2069 Look for/);
});

test('a throttled board says when to try again', () => {
  const { advice } = failure({ outcome: 'throttled', detail: null, retry_at: '2026-01-02T10:30:00Z' });
  expect(advice).toMatch(/^Try again after .*\d:30/);
});

test.each([
  [null, null],
  [{ outcome: 'ok', postings: 37 }, '37 postings'],
  [{ outcome: 'ok', postings: 1 }, '1 posting'],
  [{ outcome: 'empty', postings: 0 }, 'No postings'],
  [
    { outcome: 'not_found', detail: null },
    'There is no such board. Check the board’s name or remove the company.',
  ],
])('the last listing %j in words', (listing, expected) => {
  expect(lastListing(listing)?.text ?? null).toBe(expected);
});

test.each(CODES)('%s has a sentence, and a way on', (code) => {
  const { why, advice } = detectionError(refusal(code));
  expect(why).toMatch(/\.$/);
  expect(advice).toMatch(/[.?]$/);
  expect(advice).not.toMatch(/remove/);
});

test('where a moved board is known, it can be followed', () => {
  const candidates = [{ source: 'lever', source_name: 'Lever', board: 'acme' }];
  expect(detectionError(refusal('board_moved', { candidates }))).toEqual({
    why: 'The board has moved.',
    advice: 'Do you want to follow it?',
  });
  expect(detectionError(refusal('board_moved', { candidates: [] })).advice).toMatch(/^Open its page/);
});

test('our own pace is no fault of the board', () => {
  expect(detectionError(refusal('board_busy'))).toEqual({
    why: 'The system is asked as often as it may be right now.',
    advice: 'Try again in a minute.',
  });
  expect(detectionError(refusal('board_out_of_time')).advice).toMatch(/^Try again;/);
});

test('what is not known is told in the server’s words, and no answer as such', () => {
  expect(detectionError(refusal('odd_code')).why).toBe('Some detail.');
  const lost = new ApiError(0, { code: 'no_answer', detail: 'x' });
  expect(detectionError(lost).why).toBe('There was no answer.');
});

test('who asks too often is told how long to wait', () => {
  const problem = { code: 'too_many_requests', detail: 'x' };
  expect(detectionError(new ApiError(429, problem, 30)).advice).toBe('Try again in 30 s.');
  expect(detectionError(new ApiError(429, problem)).advice).toBe('Wait a minute, then try again.');
});

test.each([
  [' jobs.acme.example/x ', 'https://jobs.acme.example/x'],
  ['http://acme.example', 'http://acme.example'],
  ['HTTPS://acme.example', 'HTTPS://acme.example'],
])('%j is meant as %s', (typed, expected) => {
  expect(toUrl(typed)).toBe(expected);
});
