import { expect, test } from 'vitest';
import { aCompany } from '../test/companies.js';
import { editorAfterSave, editorChanges, hasConflict, isChanged, openEditor, rebase } from './editors.js';

const ACME = aCompany({ include: ['engineer'], exclude: ['intern', 'lead'] });
const opened = openEditor(ACME);

test('an editor that was only opened has no changes', () => {
  expect(isChanged(opened)).toBe(false);
  expect(hasConflict(opened, ACME)).toBe(false);
});

test('blanks and commas that change no term are no change', () => {
  expect(isChanged({ ...opened, exclude: ' intern,lead, ' })).toBe(false);
});

test.each([
  [{ name: ' Acme Ltd ' }, { name: 'Acme Ltd' }],
  [{ include: '' }, { include: [] }],
  [{ exclude: 'intern' }, { exclude: ['intern'] }],
])('%j is saved as %j alone', (typed, expected) => {
  expect(editorChanges({ ...opened, ...typed })).toEqual(expected);
});

test('where nothing was typed an editor has what its company has', () => {
  const now = aCompany({ include: ['data'], exclude: ['lead'] });
  const typed = { ...opened, exclude: 'intern' };
  expect(rebase(opened, now)).toEqual(openEditor(now));
  expect(rebase(typed, now)).toEqual({ ...openEditor(now), exclude: 'intern' });
  const blank = { ...opened, include: 'engineer, ' };
  expect(rebase(blank, ACME)).toEqual(blank);
});

test.each([
  [{ exclude: 'intern' }, { include: ['data'] }, true],
  [{ exclude: 'intern' }, { enabled: false }, false],
  [{ name: 'Acme Ltd' }, { name: 'Acme Ltd' }, false],
  [{}, { include: ['data'] }, false],
])('%j typed and %j saved elsewhere: one has to give way: %s', (typed, changes, expected) => {
  expect(hasConflict({ ...opened, ...typed }, { ...ACME, ...changes })).toBe(expected);
});

test('after saving an editor is closed, or keeps what was typed since', () => {
  const sent = { ...opened, include: 'data, ' };
  const saved = { ...ACME, include: ['data'] };
  expect(editorAfterSave(sent, sent, saved)).toBeNull();
  expect(editorAfterSave({ ...sent, name: 'Acme L' }, sent, saved)).toEqual({
    ...openEditor(saved),
    name: 'Acme L',
  });
});
