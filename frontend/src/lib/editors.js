/** The editor of a company's name and filters: pure functions on its texts. */

import { formatTerms, parseTerms } from './terms.js';

/**
 * @typedef {import('../api/companies.js').Company} Company
 * @typedef {{name: string, include: string, exclude: string}} Texts
 * @typedef {Texts & {base: Texts}} Editor the typed texts, and the saved texts they are based on
 */

/**
 * Open an editor.
 * @param {Company} company
 * @returns {Editor}
 */
export function openEditor({ name, include, exclude }) {
  const base = { name, include: formatTerms(include), exclude: formatTerms(exclude) };
  return { ...base, base };
}

/**
 * The fields that a save would change.
 * @param {Editor} editor
 * @returns {{name?: string, include?: string[], exclude?: string[]}}
 */
export function editorChanges({ base, name, include, exclude }) {
  const differs = (one, other) => formatTerms(parseTerms(one)) !== formatTerms(parseTerms(other));
  return {
    ...(name.trim() !== base.name && { name: name.trim() }),
    ...(differs(include, base.include) && { include: parseTerms(include) }),
    ...(differs(exclude, base.exclude) && { exclude: parseTerms(exclude) }),
  };
}

/** @type {(keyof Texts)[]} */
const FIELDS = ['name', 'include', 'exclude'];

/** @param {Texts} texts @param {Texts} others */
export function hasSameTexts(texts, others) {
  return FIELDS.every((field) => texts[field] === others[field]);
}

/**
 * Base an editor on the present company. Fields without typed changes take the company's values.
 * @param {Editor} editor
 * @param {Company} company
 * @returns {Editor}
 */
export function rebase(editor, company) {
  const { base } = openEditor(company);
  const typed = editorChanges(editor);
  const updated = FIELDS.filter((field) => !(field in typed) && base[field] !== editor.base[field]);
  return { ...editor, ...Object.fromEntries(updated.map((field) => [field, base[field]])), base };
}

/**
 * True if the company was changed elsewhere while the editor has changes of its own.
 * @param {Editor} editor
 * @param {Company} company
 */
export function hasConflict(editor, company) {
  return !hasSameTexts(editor.base, openEditor(company).base) && isChanged(rebase(editor, company));
}

/**
 * The editor after a save, or null if nothing was typed since and it can be closed.
 * @param {Editor} editor
 * @param {Texts} submitted the texts that were sent
 * @param {Company} company as saved
 * @returns {Editor | null}
 */
export function editorAfterSave(editor, submitted, company) {
  const { base } = openEditor(company);
  const kept = FIELDS.filter((field) => editor[field] !== submitted[field]);
  return kept.length > 0
    ? { ...base, ...Object.fromEntries(kept.map((field) => [field, editor[field]])), base }
    : null;
}

/** @param {Editor} editor */
export function isChanged(editor) {
  return Object.keys(editorChanges(editor)).length > 0;
}
