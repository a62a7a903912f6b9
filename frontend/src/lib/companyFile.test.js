import { expect, test } from 'vitest';
import { countNew, parseCompanyFile } from './companyFile.js';

const A = { source: 'lever', board: 'a', name: 'A' };

test('parseCompanyFile reads an exported file', () => {
  const companies = [{ ...A, enabled: true, include: ['x'], exclude: [] }];
  expect(parseCompanyFile(JSON.stringify({ companies }))).toEqual({ companies, problem: null });
});

test('parseCompanyFile leaves the validation of entries to the server', () => {
  expect(parseCompanyFile('{"companies": [7]}')).toEqual({ companies: [7], problem: null });
});

test.each([
  ['not JSON', '{'],
  ['no list of companies', 'null'],
  ['no list of companies', '[]'],
  ['no list of companies', '{"companies": {}}'],
  ['empty', '{"companies": []}'],
])('parseCompanyFile refuses a file: %s', (words, text) => {
  const { companies, problem } = parseCompanyFile(text);
  expect(companies).toBeNull();
  expect(problem).toContain(words);
});

test('countNew compares source and board', () => {
  expect(countNew([A, { ...A, board: 'b' }, { ...A, source: 'ashby' }], [{ ...A, name: 'Other' }])).toBe(2);
});

test('countNew accepts entries of any shape', () => {
  expect(countNew(/** @type {any} */ ([null, 7, 'x', []]), [A])).toBe(4);
});
