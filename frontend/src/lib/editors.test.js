import { expect, test } from 'vitest';
import { aCompany } from '../test/companies.js';
import { afterSaving, changesOf, editorOf, isChanged, isOvertaken, rebased } from './editors.js';

const ACME = aCompany({ include: ['engineer'], exclude: ['intern', 'lead'] });
const opened = editorOf(ACME);

test('an editor that was only opened has no changes', () => {
  expect(isChanged(opened)).toBe(false);
  expect(isOvertaken(opened, ACME)).toBe(false);
});

test('blanks and commas that change no term are no change', () => {
  expect(isChanged({ ...opened, exclude: ' intern,lead, ' })).toBe(false);
});

test.each([
  [{ name: ' Acme Ltd ' }, { name: 'Acme Ltd' }],
  [{ include: '' }, { include: [] }],
  [{ exclude: 'intern' }, { exclude: ['intern'] }],
])('%j is saved as %j alone', (typed, expected) => {
  expect(changesOf({ ...opened, ...typed })).toEqual(expected);
});

test('where nothing was typed an editor has what its company has', () => {
  const now = aCompany({ include: ['data'], exclude: ['lead'] });
  const typed = { ...opened, exclude: 'intern' };
  expect(rebased(opened, now)).toEqual(editorOf(now));
  expect(rebased(typed, now)).toEqual({ ...editorOf(now), exclude: 'intern' });
  const blank = { ...opened, include: 'engineer, ' };
  expect(rebased(blank, ACME)).toEqual(blank);
});

test.each([
  [{ exclude: 'intern' }, { include: ['data'] }, true],
  [{ exclude: 'intern' }, { enabled: false }, false],
  [{ name: 'Acme Ltd' }, { name: 'Acme Ltd' }, false],
  [{}, { include: ['data'] }, false],
])('%j typed and %j saved elsewhere: one has to give way: %s', (typed, changes, expected) => {
  expect(isOvertaken({ ...opened, ...typed }, { ...ACME, ...changes })).toBe(expected);
});

test('after saving an editor is closed, or keeps what was typed since', () => {
  const sent = { ...opened, include: 'data, ' };
  const saved = { ...ACME, include: ['data'] };
  expect(afterSaving(sent, sent, saved)).toBeNull();
  expect(afterSaving({ ...sent, name: 'Acme L' }, sent, saved)).toEqual({
    ...editorOf(saved),
    name: 'Acme L',
  });
});
