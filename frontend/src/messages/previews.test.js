import { expect, test } from 'vitest';
import { aPosting, aPreviewCompany } from '../test/previews.js';
import { companyState, listingGaps, ruleMessage } from './previews.js';

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
  [{ found: 120, matched: 37 }, '37 of 120 postings match'],
  [{ found: 1, matched: 0 }, '0 of 1 posting match'],
])('companyState of %j is %s', (changes, expected) => {
  expect(companyState(aPreviewCompany(changes))).toBe(expected);
});

test('listingGaps names unreadable records before a cut listing', () => {
  expect(listingGaps(aPreviewCompany())).toBeNull();
  expect(listingGaps(aPreviewCompany({ is_complete: false, unparsed: 2 }))).toBe(
    '2 postings could not be read.',
  );
  expect(listingGaps(aPreviewCompany({ is_complete: true, unparsed: 1 }))).toBe('1 posting could not be read.');
  expect(listingGaps(aPreviewCompany({ is_complete: false, unparsed: 0 }))).toBe(
    'The board has more postings than could be read.',
  );
});
