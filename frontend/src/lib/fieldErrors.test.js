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
  [{ companies: { 0: { _schema: ['Invalid input type.'] } } }, ['Entry 1: Invalid input type.']],
  [{ companies: ['Too many.'] }, ['Too many.']],
])('errorLines(%j)', (errors, expected) => {
  expect(errorLines(errors)).toEqual(expected);
});

test('fieldErrors is undefined without errors and counts in the given unit', () => {
  expect(fieldErrors(undefined)).toBeUndefined();
  expect(fieldErrors({ 1: ['Blank.'] }, 'Word')).toEqual(['Word 2: Blank.']);
});
