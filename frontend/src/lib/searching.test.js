import { expect, test } from 'vitest';
import { matching } from './searching.js';

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
