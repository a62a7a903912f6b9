import { expect, test } from 'vitest';
import { aPosting, aPreviewCompany } from '../test/previews.js';
import { filterCompanies, postingFacts, safeLink } from './posting.js';

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
])('safeLink accepts %j: %s', (url, expected) => {
  expect(safeLink(url) !== null).toBe(expected);
});

test('postingFacts leaves out unknown facts', () => {
  expect(postingFacts(aPosting({ location: null, workplace: 'on_site', department: 'R&D' }))).toEqual([
    'On site',
    'R&D',
    expect.stringMatching(/^posted .*2026/),
  ]);
  expect(postingFacts(aPosting({ location: 'Berlin', posted_at: null }))).toEqual(['Berlin']);
});

test('filterCompanies selects by filter', () => {
  const some = aPreviewCompany({ matched: 3 });
  const none = aPreviewCompany({ matched: 0 });
  const failed = aPreviewCompany({ state: 'failed', matched: null });
  const all = [some, none, failed];
  expect(filterCompanies(all, 'all')).toEqual(all);
  expect(filterCompanies(all, 'matched')).toEqual([some]);
  expect(filterCompanies(all, 'failed')).toEqual([failed]);
});
