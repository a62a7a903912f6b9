import { expect, test } from 'vitest';
import { formatAge, formatDay, formatDuration, formatSince, isolated } from './format.js';

test.each([
  [-5_000, '0 s'],
  [0, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min 0 s'],
  [3_599_000, '59 min 59 s'],
  [3_600_000, '1 h 0 min'],
  [86_399_000, '23 h 59 min'],
  [90_000_000, '1 d 1 h'],
])('formatDuration(%i) is %s', (milliseconds, expected) => {
  expect(formatDuration(milliseconds)).toBe(expected);
});

test.each([
  ['Acme', 'Acme'],
  ['Äcme & Söhne, 東京', 'Äcme & Söhne, 東京'],
  ['שלום', '\u2068שלום\u2069'],
  ['a\u202eb', '\u2068a\u202eb\u2069'],
  ['a\u2069\u202eb', '\u2068a\u202eb\u2069'],
])('isolated(%j) is %j', (name, expected) => {
  expect(isolated(name)).toBe(expected);
});

test.each([
  [-5_000, 'just now'],
  [59_999, 'just now'],
  [60_000, '1 minute ago'],
  [299_999, '4 minutes ago'],
  [3_599_999, '59 minutes ago'],
  [3_600_000, '1 hour ago'],
  [86_399_999, '23 hours ago'],
  [200_000_000, '2 days ago'],
])('formatAge(%i) is %s', (milliseconds, expected) => {
  expect(formatAge(milliseconds)).toBe(expected);
});

test.each([
  ['2026-12-01T09:00', 'today'],
  ['2026-11-30T23:00', 'yesterday'],
  ['2026-11-26T12:00', 'Thursday'],
  ['2026-11-20T12:00', formatDay('2026-11-20T12:00')],
])('formatSince(%s) is %s', (moment, expected) => {
  expect(formatSince(moment, Date.parse('2026-12-01T12:00'))).toBe(expected);
});
