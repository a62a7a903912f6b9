import { expect, test } from 'vitest';
import { aCompany } from '../test/companies.js';
import {
  addMessages,
  changedElsewhereMessage,
  filterSummary,
  listMessages,
  unsavedMessages,
} from './companies.js';

test.each([
  [[], [], 'Every title.'],
  [['engineer', 'designer'], [], 'Titles with engineer, designer.'],
  [[], ['intern'], 'Every title; not with intern.'],
  [['engineer'], ['intern', 'lead'], 'Titles with engineer; not with intern, lead.'],
])('filterSummary of %j and %j', (include, exclude, expected) => {
  expect(filterSummary({ include, exclude })).toBe(expected);
});

test('changedElsewhereMessage names the filters and a disabled company', () => {
  expect(changedElsewhereMessage(aCompany({ include: ['data'], enabled: false }))).toBe(
    'Acme was changed in another tab or on another device. Its filters are now: titles with data. It is not enabled.',
  );
});

test('the counts of the list mention a search', () => {
  expect(listMessages.counts(2, 2, 1, false)).toBe('2 companies, 1 enabled');
  expect(listMessages.counts(1, 2, 1, true)).toBe('1 of 2 companies, 1 enabled');
});

test('a known company is named if its name in the list differs', () => {
  expect(addMessages.known(null)).toBe('This company is already in your list.');
  expect(addMessages.known('My Acme')).toBe('This company is already in your list as My Acme.');
});

test('the question about unsaved changes shortens a long list', () => {
  const changes = ['1', '2', '3', '4', '5', '6'];
  expect(unsavedMessages.text(changes)).toContain('Not saved: 1, 2, 3, 4 and 2 more.');
  expect(unsavedMessages.text(changes.slice(1))).toContain('Not saved: 2, 3, 4, 5, 6.');
});
