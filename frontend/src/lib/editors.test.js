import { expect, test } from 'vitest';
import { aCompany } from '../test/companies.js';
import { editorAfterSave, editorChanges, hasConflict, isChanged, openEditor, rebase } from './editors.js';

const ACME = aCompany({ include: ['engineer'], exclude: ['intern', 'lead'] });
const opened = openEditor(ACME);

test('an untouched editor has no changes', () => {
  expect(isChanged(opened)).toBe(false);
  expect(hasConflict(opened, ACME)).toBe(false);
});

test('isChanged ignores blanks and commas that change no term', () => {
  expect(isChanged({ ...opened, exclude: ' intern,lead, ' })).toBe(false);
});

test.each([
  [{ name: ' Acme Ltd ' }, { name: 'Acme Ltd' }],
  [{ include: '' }, { include: [] }],
  [{ exclude: 'intern' }, { exclude: ['intern'] }],
])('editorChanges of %j is %j', (typed, expected) => {
  expect(editorChanges({ ...opened, ...typed })).toEqual(expected);
});

test('rebase updates the fields without typed changes', () => {
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
])('hasConflict with %j typed and %j saved elsewhere is %s', (typed, changes, expected) => {
  expect(hasConflict({ ...opened, ...typed }, { ...ACME, ...changes })).toBe(expected);
});

test('editorAfterSave closes the editor or keeps newer text', () => {
  const submitted = { ...opened, include: 'data, ' };
  const saved = { ...ACME, include: ['data'] };
  expect(editorAfterSave(submitted, submitted, saved)).toBeNull();
  expect(editorAfterSave({ ...submitted, name: 'Acme L' }, submitted, saved)).toEqual({
    ...openEditor(saved),
    name: 'Acme L',
  });
});
