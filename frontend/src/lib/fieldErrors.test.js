import { expect, test } from 'vitest';
import { errorLines, fieldErrors } from './fieldErrors.js';

test.each([
  [undefined, []],
  [['Too long.'], ['Too long.']],
  [{ name: ['Too long.', 'Odd.'] }, ['name: Too long.', 'name: Odd.']],
  [{ companies: { 2: { name: ['Too long.'] } } }, ['Entry 3, name: Too long.']],
  [{ 'companies.2.name': ['Too long.'] }, ['Entry 3, name: Too long.']],
  [{ companies: { 0: { include: { 4: ['Blank.'] } } } }, ['Entry 1, include, Entry 5: Blank.']],
  [{ json: { url: 'Bad.' } }, ['url: Bad.']],
])('%j', (errors, expected) => {
  expect(errorLines(errors)).toEqual(expected);
});

test('a field without a fault has none, and a list of words counts words', () => {
  expect(fieldErrors(undefined)).toBeUndefined();
  expect(fieldErrors({ 1: ['Blank.'] }, 'Word')).toEqual(['Word 2: Blank.']);
});
