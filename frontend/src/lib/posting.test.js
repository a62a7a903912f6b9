import { expect, test } from 'vitest';
import { aPosting, aPreviewCompany } from '../test/previews.js';
import { companyState, factsOf, listingGaps, ofKind, ruleMessage, safeLink } from './posting.js';

test.each([
  ['https://acme.example/1', true],
  ['HTTP://acme.example', true],
  ['javascript:alert(1)', false],
  ['javascript://acme.example/%0aalert(1)', false],
  [' javascript:alert(1)', false],
  ['data:text/html,x', false],
  ['//acme.example', false],
  ['https://', false],
  ['/relative', false],
  ['', false],
  [null, false],
])('%j may be a link: %s', (url, expected) => {
  expect(safeLink(url) !== null).toBe(expected);
});

test.each([
  [true, 'no_filter', null, ''],
  [true, 'include', 'engineer', 'taken: engineer'],
  [false, 'exclude', 'intern', 'left out by ‘intern’'],
  [false, 'not_included', null, 'no word of ‘Only’ in the title'],
])('taken %s by %s %s', (taken, kind, term, expected) => {
  expect(ruleMessage(aPosting({ taken, rule: { kind, term } }))).toBe(expected);
});

test('the facts of a posting are those that there are', () => {
  expect(factsOf(aPosting({ location: null, workplace: 'on_site', department: 'R&D' }))).toEqual([
    'On site',
    'R&D',
    expect.stringMatching(/^posted .*2026/),
  ]);
  expect(factsOf(aPosting({ location: 'Berlin', posted_at: null }))).toEqual(['Berlin']);
});

test.each([
  [{ state: 'waiting' }, 'Waiting'],
  [{ state: 'listing' }, 'Listing now'],
  [{ state: 'failed' }, 'Failed'],
  [{ found: 0, taken: 0 }, 'Empty board'],
  [{ found: 120, taken: 37 }, '37 of 120 postings taken'],
  [{ found: 1, taken: 0 }, '0 of 1 posting taken'],
])('%j is %s', (changes, expected) => {
  expect(companyState(aPreviewCompany(changes))).toBe(expected);
});

test('what is missing of a listing is told', () => {
  expect(listingGaps(aPreviewCompany())).toBeNull();
  expect(listingGaps(aPreviewCompany({ is_complete: false, unread: 2 }))).toBe(
    '2 postings could not be read.',
  );
  expect(listingGaps(aPreviewCompany({ is_complete: true, unread: 1 }))).toBe('1 posting could not be read.');
  expect(listingGaps(aPreviewCompany({ is_complete: false, unread: 0 }))).toBe(
    'The board has more postings than it listed.',
  );
});

test('companies are chosen by kind', () => {
  const some = aPreviewCompany({ taken: 3 });
  const none = aPreviewCompany({ taken: 0 });
  const failed = aPreviewCompany({ state: 'failed', taken: null });
  const all = [some, none, failed];
  expect(ofKind(all, 'all')).toEqual(all);
  expect(ofKind(all, 'taken')).toEqual([some]);
  expect(ofKind(all, 'failed')).toEqual([failed]);
});
