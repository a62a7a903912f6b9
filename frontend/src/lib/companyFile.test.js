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
  ['{', 'cannot be read'],
  ['null', 'cannot be read'],
  ['[]', 'cannot be read'],
  ['{"companies": {}}', 'cannot be read'],
  ['{"companies": []}', 'empty'],
])('parseCompanyFile refuses the file %s: %s', (text, words) => {
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
