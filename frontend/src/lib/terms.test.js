import { expect, test } from 'vitest';
import { formatTerms, parseTerms } from './terms.js';

test.each([
  ['', []],
  [' , ,', []],
  ['engineer', ['engineer']],
  [' engineer* , product designer,, engineer* ', ['engineer*', 'product designer']],
  ['one\ntwo', ['one', 'two']],
])('parseTerms(%j) is %j', (text, expected) => {
  expect(parseTerms(text)).toEqual(expected);
  expect(parseTerms(formatTerms(expected))).toEqual(expected);
});
