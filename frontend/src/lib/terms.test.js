import { expect, test } from 'vitest';
import { filterSummary, formatTerms, parseTerms } from './terms.js';

test.each([
  ['', []],
  [' , ,', []],
  ['engineer', ['engineer']],
  [' engineer* , product designer,, engineer* ', ['engineer*', 'product designer']],
  ['one\ntwo', ['one', 'two']],
])('%j has the terms %j', (text, expected) => {
  expect(parseTerms(text)).toEqual(expected);
  expect(parseTerms(formatTerms(expected))).toEqual(expected);
});

test.each([
  [[], [], 'Every title.'],
  [['engineer', 'designer'], [], 'Only titles with: engineer, designer.'],
  [[], ['intern'], 'Every title. Never: intern.'],
  [['engineer'], ['intern', 'lead'], 'Only titles with: engineer. Never: intern, lead.'],
])('%j and %j in short', (include, exclude, expected) => {
  expect(filterSummary({ include, exclude })).toBe(expected);
});
