/** The editor of a company's name and filters: pure functions over what is typed in it. */

import { termsOf, textOf } from './terms.js';

/**
 * @typedef {import('../api/companies.js').Company} Company
 * @typedef {{name: string, include: string, exclude: string}} Texts
 * @typedef {Texts & {base: Texts}} Editor what is typed, and what it began with
 */

/**
 * An editor as it is opened.
 * @param {Company} company
 * @returns {Editor}
 */
export function editorOf({ name, include, exclude }) {
  const base = { name, include: textOf(include), exclude: textOf(exclude) };
  return { ...base, base };
}

/**
 * What saving an editor would change.
 * @param {Editor} editor
 * @returns {{name?: string, include?: string[], exclude?: string[]}}
 */
export function changesOf({ base, name, include, exclude }) {
  const differs = (one, other) => textOf(termsOf(one)) !== textOf(termsOf(other));
  return {
    ...(name.trim() !== base.name && { name: name.trim() }),
    ...(differs(include, base.include) && { include: termsOf(include) }),
    ...(differs(exclude, base.exclude) && { exclude: termsOf(exclude) }),
  };
}

/** @type {(keyof Texts)[]} */
const PARTS = ['name', 'include', 'exclude'];

/** @param {Texts} texts @param {Texts} others */
export function isAlike(texts, others) {
  return PARTS.every((part) => texts[part] === others[part]);
}

/**
 * An editor over what its company is now: where nothing was typed, it has what the company has.
 * @param {Editor} editor
 * @param {Company} company
 * @returns {Editor}
 */
export function rebased(editor, company) {
  const { base } = editorOf(company);
  const typed = changesOf(editor);
  const followed = PARTS.filter((part) => !(part in typed) && base[part] !== editor.base[part]);
  return { ...editor, ...Object.fromEntries(followed.map((part) => [part, base[part]])), base };
}

/**
 * Whether somebody else has changed a company under what was typed for it, so that one of both has to give way.
 * @param {Editor} editor
 * @param {Company} company
 */
export function isOvertaken(editor, company) {
  return !isAlike(editor.base, editorOf(company).base) && isChanged(rebased(editor, company));
}

/**
 * The editor when a company was saved from it; null when nothing was typed since, and it can be closed.
 * @param {Editor} editor as it is
 * @param {Texts} sent what was in it when it was sent
 * @param {Company} company as it was saved
 * @returns {Editor | null}
 */
export function afterSaving(editor, sent, company) {
  const { base } = editorOf(company);
  const kept = PARTS.filter((part) => editor[part] !== sent[part]);
  return kept.length > 0
    ? { ...base, ...Object.fromEntries(kept.map((part) => [part, editor[part]])), base }
    : null;
}

/** @param {Editor} editor */
export function isChanged(editor) {
  return Object.keys(changesOf(editor)).length > 0;
}
