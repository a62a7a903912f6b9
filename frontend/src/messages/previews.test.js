import { expect, test } from 'vitest';
import { aPosting, aPreviewCompany } from '../test/previews.js';
import { companyState, listingAge, listingNote, ruleMessage, waitingReason } from './previews.js';

test.each([
  [true, 'no_filter', null, ''],
  [true, 'include', 'engineer', 'matches ‘engineer’'],
  [false, 'exclude', 'intern', 'left out by ‘intern’'],
  [false, 'not_included', null, 'has none of the words in ‘Titles must contain’'],
])('ruleMessage with matched %s by %s %s', (matched, kind, term, expected) => {
  expect(ruleMessage(aPosting({ matched, rule: { kind, term } }))).toBe(expected);
});

test.each([
  [{ state: 'waiting' }, 'Waiting'],
  [{ state: 'listing' }, 'Reading now'],
  [{ state: 'failed' }, 'Not read'],
  [{ found: 0, matched: 0 }, 'No postings'],
  [{ found: 0, matched: 0, outcome: 'partial' }, 'None read'],
  [{ found: 120, matched: 37 }, '37 of 120 postings match'],
  [{ found: 1, matched: 0 }, '0 of 1 posting match'],
])('companyState of %j is %s', (changes, expected) => {
  expect(companyState(aPreviewCompany(changes))).toBe(expected);
});

test.each([
  [{}, null],
  [{ is_complete: false, unparsed: 2 }, '2 postings could not be read.'],
  [{ is_complete: true, unparsed: 1 }, '1 posting could not be read.'],
  [{ is_complete: false }, 'The board has more postings than could be read.'],
  [{ outcome: 'held', detail: 'It shrank.' }, 'It shrank.'],
  [{ outcome: 'held', detail: 'It shrank.', unparsed: 1 }, 'It shrank. 1 posting could not be read.'],
  [{ outcome: 'empty', detail: '9 still count.', found: 0 }, '9 still count.'],
  [
    { outcome: 'partial', detail: '1 page is missing.', is_complete: false, unparsed: 1 },
    '1 page is missing.',
  ],
  [{ outcome: 'held', detail: 'It \u202eshrank.' }, '\u2068It \u202eshrank.\u2069'],
])('listingNote of %j is %j', (changes, expected) => {
  expect(listingNote(aPreviewCompany(changes))).toBe(expected);
});

test.each([
  [{}, 'read 4 minutes ago'],
  [{ listed_at: '2026-01-02T10:04:30Z' }, 'read just now'],
  [{ state: 'failed' }, null],
  [{ state: 'waiting', listed_at: null }, null],
])('listingAge of %j is %j', (changes, expected) => {
  expect(listingAge(aPreviewCompany(changes), Date.parse('2026-01-02T10:04:59Z'))).toBe(expected);
});

const failing = (...names) => ({
  status: 'degraded',
  checks: Object.fromEntries(
    ['reader', 'previewer', 'worker', 'redis', 'boards'].map((name) => [name, { ok: !names.includes(name) }]),
  ),
});

test.each([
  [{ status: 'ok' }, null],
  [{ status: 'degraded' }, /^A part of this server does not work/],
  [failing(), null],
  [failing('redis'), null],
  [failing('reader', 'boards'), /^No program reads boards/],
  [failing('previewer'), /^No program works on previews/],
  [failing('worker'), null],
  [failing('boards'), /^Boards wait for more than 5 minutes/],
])('waitingReason of %j', (health, expected) => {
  const reason = waitingReason(health);
  if (expected) {
    expect(reason).toMatch(expected);
    expect(reason).toMatch(/goes on by itself\. If this lasts, tell the operator\.$/);
  } else {
    expect(reason).toBeNull();
  }
});
