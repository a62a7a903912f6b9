import { expect, test } from 'vitest';
import { lastListing, listingFailure } from './boards.js';

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

test('listingFailure has a reason and advice of its own for each outcome', () => {
  const failures = OUTCOMES.map((outcome) => listingFailure({ outcome, detail: null }));
  expect(new Set(failures.map(({ reason }) => reason)).size).toBe(OUTCOMES.length);
  expect(new Set(failures.map(({ advice }) => advice)).size).toBe(OUTCOMES.length);
});

test('listingFailure prefers the server’s detail, accepts unknown outcomes', () => {
  expect(listingFailure({ outcome: 'gone', detail: 'Closed in May.' }).reason).toBe('Closed in May.');
  expect(listingFailure({ outcome: 'tired', detail: null })).toEqual({
    reason: 'The board could not be read.',
    advice: 'Try again.',
  });
});

test('listingFailure of a changed format hides the parser’s detail', () => {
  expect(listingFailure({ outcome: 'changed', detail: 'jobs.0.title is 7.' }).reason).toBe(
    'The job board’s answer could not be understood.',
  );
});

test('listingFailure of a throttled board says when to try again', () => {
  const listing = { outcome: 'throttled', detail: null, retry_at: '2026-01-02T10:30:00Z' };
  expect(listingFailure(listing).advice).toMatch(/^Try again after .*\d:30/);
});

test('lastListing isolates a right-to-left override in the server’s detail', () => {
  const { text } = lastListing({ outcome: 'gone', detail: 'No \u202ex.' }) ?? {};
  expect(text).toMatch(/^\u2068No \u202ex\.\u2069 Find the/);
});

test.each([
  [null, null],
  [{ outcome: 'ok', postings: 37 }, '37 postings'],
  [{ outcome: 'ok', postings: 1 }, '1 posting'],
  [{ outcome: 'empty', postings: 0 }, 'No postings'],
  [{ outcome: 'held', postings: 40, detail: 'It shrank.' }, '40 postings. It shrank.'],
  [{ outcome: 'partial', postings: 9, detail: 'A page is missing.' }, '9 postings. A page is missing.'],
  [{ outcome: 'partial', postings: 0, detail: 'None of its 12.' }, 'None of its 12.'],
  [{ outcome: 'empty', postings: 0, detail: '9 still count.' }, 'No postings. 9 still count.'],
  [
    { outcome: 'not_found', detail: null },
    'This board does not exist. Its address may have changed, or programs cannot read its postings. Open the board to check.',
  ],
])('lastListing(%j)', (listing, expected) => {
  expect(lastListing(listing)?.text ?? null).toBe(expected);
});

test('listingFailure of a forbidden board does not tell who forbids it', () => {
  const detail = 'The operator has switched off reading Lever on this server.';
  const { reason, advice } = listingFailure({ outcome: 'forbidden', detail });
  expect(`${reason} ${advice}`).toBe(
    'The operator has switched off reading Lever on this server. Read the postings on the board itself, or remove the company.',
  );
});
