import { expect, test } from 'vitest';
import { countNew, readCompanyFile } from './companyFile.js';

const A = { source: 'lever', board: 'a', name: 'A' };

test('what the export makes can be read', () => {
  const companies = [{ ...A, enabled: true, include: ['x'], exclude: [] }];
  expect(readCompanyFile(JSON.stringify({ companies }))).toEqual({ companies, problem: null });
});

test.each([
  ['not JSON', '{'],
  ['no list of companies', 'null'],
  ['no list of companies', '[]'],
  ['no list of companies', '{"companies": {}}'],
  ['empty', '{"companies": []}'],
  ['1000 are the most', JSON.stringify({ companies: Array(1001).fill(A) })],
  ['Entry 2 is no company.', JSON.stringify({ companies: [A, 7] })],
  ['Entry 2 has no board.', JSON.stringify({ companies: [A, { ...A, board: 3 }] })],
  ['Entry 1 has no name.', JSON.stringify({ companies: [{ source: 'lever', board: 'a' }] })],
])('a file is refused: %s', (words, text) => {
  const { companies, problem } = readCompanyFile(text);
  expect(companies).toBeNull();
  expect(problem).toContain(words);
});

test('new is what the list does not have, by system and board', () => {
  expect(countNew([A, { ...A, board: 'b' }, { ...A, source: 'ashby' }], [{ ...A, name: 'Other' }])).toBe(2);
});
