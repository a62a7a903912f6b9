import { expect, test } from 'vitest';
import { byName, matching } from './search.js';

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
])('%j finds %j', (search, expected) => {
  expect(matching(ALL, search).map(({ name }) => name)).toEqual(expected);
});

test('numbers in names are sorted as numbers, and the list itself is left alone', () => {
  const names = [{ name: 'Co 10' }, { name: 'Co 2' }, { name: 'Äcme' }];
  expect(byName(names).map(({ name }) => name)).toEqual(['Äcme', 'Co 2', 'Co 10']);
  expect(names[0].name).toBe('Co 10');
});
