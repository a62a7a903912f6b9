import { expect, test } from 'vitest';
import { searchCompanies, sortByName } from './search.js';

const ALL = [
  { name: 'Café Zürich', board: 'cafe', source_name: 'Greenhouse' },
  { name: 'Acme', board: 'acme-eu', source_name: 'Lever' },
];

test.each([
  ['', ['Café Zürich', 'Acme']],
  ['  ', ['Café Zürich', 'Acme']],
  ['zurich', ['Café Zürich']],
  ['LEVER', ['Acme']],
  ['eu', ['Acme']],
  ['acme lever', ['Acme']],
  ['acme greenhouse', []],
])('searchCompanies(%j) finds %j', (search, expected) => {
  expect(searchCompanies(ALL, search).map(({ name }) => name)).toEqual(expected);
});

test('sortByName sorts numbers by value and does not change its input', () => {
  const names = [{ name: 'Co 10' }, { name: 'Co 2' }, { name: 'Äcme' }];
  expect(sortByName(names).map(({ name }) => name)).toEqual(['Äcme', 'Co 2', 'Co 10']);
  expect(names[0].name).toBe('Co 10');
});
