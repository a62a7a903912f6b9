/** Unsaved input of the Configure stage: pure functions on it. */

import { unsavedMessages } from '../messages/companies.js';
import { isChanged } from './editors.js';

/**
 * @typedef {import('../api/companies.js').Company} Company
 * @typedef {import('./editors.js').Editor} Editor
 * @typedef {{url: string, source: string, board: string, name: string,
 *   found: import('../api/sources.js').DetectedBoard | null}} Adding
 * @typedef {{file: string, companies: import('../api/companies.js').NewCompany[]}} Import
 * @typedef {{company: Company, editor: Editor | null}} Removed
 * @typedef {{editors: Record<string, Editor>, adding: Adding, ticked: string[], importing: Import | null,
 *   removed: Removed[]}} Drafts
 */

/** @type {Adding} */
const EMPTY_FORM = { url: '', source: '', board: '', name: '', found: null };

/** @type {Drafts} */
export const NO_DRAFTS = { editors: {}, adding: EMPTY_FORM, ticked: [], importing: null, removed: [] };

/** The number of removed companies that can be restored. */
const MAX_REMOVED = 5;

/**
 * Open, update or (with null) close the editor of a company.
 * @param {Drafts} drafts
 * @param {number} companyId
 * @param {Editor | null} editor
 * @returns {Drafts}
 */
export function withEditor(drafts, companyId, editor) {
  const { [companyId]: _replaced, ...others } = drafts.editors;
  return { ...drafts, editors: editor ? { ...others, [companyId]: editor } : others };
}

/**
 * Record a removed company with its editor, so that both can be restored.
 * @param {Drafts} drafts
 * @param {Company} company
 * @returns {Drafts}
 */
export function withRemoved(drafts, company) {
  const editor = drafts.editors[company.company_id] ?? null;
  const removed = [{ company, editor }, ...drafts.removed].slice(0, MAX_REMOVED);
  return { ...withEditor(drafts, company.company_id, null), removed };
}

/**
 * Drop a removed company that was restored or dismissed.
 * @param {Drafts} drafts
 * @param {Removed} entry
 * @param {number} [companyId] the new id of a restored company, which gets its editor back
 * @returns {Drafts}
 */
export function withoutRemoved(drafts, entry, companyId) {
  const removed = drafts.removed.filter(({ company }) => company.company_id !== entry.company.company_id);
  const rest = { ...drafts, removed };
  return companyId && entry.editor ? withEditor(rest, companyId, entry.editor) : rest;
}

/** @param {Drafts} drafts */
export function isEmpty({ editors, adding, ticked, importing, removed }) {
  return (
    Object.keys(editors).length + ticked.length + removed.length === 0 &&
    !importing &&
    !adding.found &&
    !adding.url &&
    !adding.source &&
    !adding.board
  );
}

/**
 * A list of the unsaved changes in words.
 * @param {Drafts} drafts
 * @returns {string[]}
 */
export function unsavedChanges({ editors, adding, ticked, importing }) {
  const changed = Object.values(editors).filter(isChanged);
  return [
    ...changed.map(({ base }) => unsavedMessages.editor(base.name)),
    ...(adding.found && !adding.found.company_id
      ? [unsavedMessages.found(adding.name || adding.found.board)]
      : adding.url.trim() || adding.board.trim()
        ? [unsavedMessages.address]
        : []),
    ...(ticked.length > 0 ? [unsavedMessages.ticked] : []),
    ...(importing ? [unsavedMessages.file(importing.file)] : []),
  ];
}

/** True if anything is unsaved. @param {Drafts} drafts */
export function hasUnsavedChanges(drafts) {
  return unsavedChanges(drafts).length > 0;
}
