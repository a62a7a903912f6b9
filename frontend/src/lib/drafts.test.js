import { expect, test } from 'vitest';
import { aCompany, aDetectedBoard } from '../test/companies.js';
import { isEmpty, NO_DRAFTS, unsavedChanges, withEditor, withoutRemoved, withRemoved } from './drafts.js';
import { openEditor } from './editors.js';

const ACME = aCompany({ include: ['engineer'], exclude: ['intern', 'lead'] });
const opened = openEditor(ACME);

test('unsavedChanges ignores an untouched editor', () => {
  expect(unsavedChanges(withEditor(NO_DRAFTS, 12, opened))).toEqual([]);
});

test('unsavedChanges names each change', () => {
  const adding = { ...NO_DRAFTS.adding, url: 'https://acme.example', name: 'Acme', found: aDetectedBoard() };
  const drafts = {
    ...withEditor(NO_DRAFTS, 12, { ...opened, include: 'x' }),
    adding,
    ticked: ['lever:b'],
    importing: { file: 'mine.json', companies: [] },
  };
  expect(unsavedChanges(drafts)).toEqual([
    'changes to Acme',
    'the company Acme',
    'the companies you ticked',
    'the file mine.json',
  ]);
  expect(unsavedChanges({ ...NO_DRAFTS, adding: { ...adding, found: null } })).toEqual([
    'the address or board you typed',
  ]);
});

test('unsavedChanges ignores a found company already in the list', () => {
  const found = aDetectedBoard({ company_id: 12 });
  expect(unsavedChanges({ ...NO_DRAFTS, adding: { ...NO_DRAFTS.adding, found } })).toEqual([]);
});

test('isEmpty is true only without any draft', () => {
  expect(isEmpty(NO_DRAFTS)).toBe(true);
  expect(isEmpty({ ...NO_DRAFTS, ticked: ['lever:b'] })).toBe(false);
  expect(isEmpty({ ...NO_DRAFTS, adding: { ...NO_DRAFTS.adding, url: 'x' } })).toBe(false);
  expect(isEmpty(withEditor(withEditor(NO_DRAFTS, 12, opened), 12, null))).toBe(true);
});

test('withoutRemoved restores the editor under the new id', () => {
  const typed = { ...opened, include: 'x' };
  const gone = withRemoved(withEditor(NO_DRAFTS, 12, typed), ACME);
  expect(gone.editors).toEqual({});
  const back = withoutRemoved(gone, gone.removed[0], 40);
  expect(back).toEqual(withEditor(NO_DRAFTS, 40, typed));
});

test('withRemoved keeps the last five companies, latest first', () => {
  const ids = [1, 2, 3, 4, 5, 6, 7];
  const drafts = ids.reduce((before, id) => withRemoved(before, aCompany({ company_id: id })), NO_DRAFTS);
  expect(drafts.removed.map(({ company }) => company.company_id)).toEqual([7, 6, 5, 4, 3]);
});
