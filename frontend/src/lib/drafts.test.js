import { expect, test } from 'vitest';
import { aCompany, aDetected } from '../test/companies.js';
import { isEmpty, NO_DRAFTS, unsaved, withEditor, withoutRemoved, withRemoved } from './drafts.js';
import { openEditor } from './editors.js';

const ACME = aCompany({ include: ['engineer'], exclude: ['intern', 'lead'] });
const opened = openEditor(ACME);

test('an editor that was only opened is no unsaved change', () => {
  expect(unsaved(withEditor(NO_DRAFTS, 12, opened))).toEqual([]);
});

test('what is not saved is named', () => {
  const adding = { ...NO_DRAFTS.adding, url: 'https://acme.example', name: 'Acme', found: aDetected() };
  const drafts = {
    ...withEditor(NO_DRAFTS, 12, { ...opened, include: 'x' }),
    adding,
    ticked: ['lever:b'],
    importing: { file: 'mine.json', companies: [] },
  };
  expect(unsaved(drafts)).toEqual([
    'changes to Acme',
    'the company Acme',
    'the companies that are ticked',
    'the file mine.json',
  ]);
  expect(unsaved({ ...NO_DRAFTS, adding: { ...adding, found: null } })).toEqual([
    'an address or a board that was typed',
  ]);
});

test('a company that was found and is in the list already is nothing to save', () => {
  const found = aDetected({ company_id: 12 });
  expect(unsaved({ ...NO_DRAFTS, adding: { ...NO_DRAFTS.adding, found } })).toEqual([]);
});

test('nothing is nothing, and any part of it is something', () => {
  expect(isEmpty(NO_DRAFTS)).toBe(true);
  expect(isEmpty({ ...NO_DRAFTS, ticked: ['lever:b'] })).toBe(false);
  expect(isEmpty({ ...NO_DRAFTS, adding: { ...NO_DRAFTS.adding, url: 'x' } })).toBe(false);
  expect(isEmpty(withEditor(withEditor(NO_DRAFTS, 12, opened), 12, null))).toBe(true);
});

test('what was typed for a removed company comes back with it, under its new id', () => {
  const typed = { ...opened, include: 'x' };
  const gone = withRemoved(withEditor(NO_DRAFTS, 12, typed), ACME);
  expect(gone.editors).toEqual({});
  const back = withoutRemoved(gone, gone.removed[0], 40);
  expect(back).toEqual(withEditor(NO_DRAFTS, 40, typed));
});

test('the last few removed companies are kept, the latest first', () => {
  const ids = [1, 2, 3, 4, 5, 6, 7];
  const drafts = ids.reduce((before, id) => withRemoved(before, aCompany({ company_id: id })), NO_DRAFTS);
  expect(drafts.removed.map(({ company }) => company.company_id)).toEqual([7, 6, 5, 4, 3]);
});
