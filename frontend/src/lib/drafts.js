/** What was typed, found or chosen and is not saved: pure functions over it. */

import { isChanged } from './editors.js';
import { isolated } from './format.js';

/**
 * @typedef {import('../api/companies.js').Company} Company
 * @typedef {import('./editors.js').Editor} Editor
 * @typedef {{url: string, source: string, board: string, name: string,
 *   found: import('../api/sources.js').Detected | null}} Adding
 * @typedef {{file: string, companies: import('../api/companies.js').NewCompany[]}} Import
 * @typedef {{company: Company, editor: Editor | null}} Removed
 * @typedef {{editors: Record<string, Editor>, adding: Adding, ticked: string[], importing: Import | null,
 *   removed: Removed[]}} Drafts
 */

/** @type {Adding} */
const NOTHING_ADDED = { url: '', source: '', board: '', name: '', found: null };

/** @type {Drafts} */
export const NO_DRAFTS = { editors: {}, adding: NOTHING_ADDED, ticked: [], importing: null, removed: [] };

/** How many removed companies can be brought back. */
const MOST_REMOVED = 5;

/**
 * The drafts with an editor opened, typed in or (null) closed.
 * @param {Drafts} drafts
 * @param {number} companyId
 * @param {Editor | null} editor
 * @returns {Drafts}
 */
export function withEditor(drafts, companyId, editor) {
  const { [companyId]: _before, ...others } = drafts.editors;
  return { ...drafts, editors: editor ? { ...others, [companyId]: editor } : others };
}

/**
 * The drafts when a company was taken off the list: it, and what was typed for it, can be brought back.
 * @param {Drafts} drafts
 * @param {Company} company
 * @returns {Drafts}
 */
export function withRemoved(drafts, company) {
  const editor = drafts.editors[company.company_id] ?? null;
  const removed = [{ company, editor }, ...drafts.removed].slice(0, MOST_REMOVED);
  return { ...withEditor(drafts, company.company_id, null), removed };
}

/**
 * The drafts when a removed company is back, or is not to be brought back any more.
 * @param {Drafts} drafts
 * @param {Removed} entry
 * @param {number} [companyId] its new id
 * @returns {Drafts}
 */
export function withoutRemoved(drafts, entry, companyId) {
  const removed = drafts.removed.filter(({ company }) => company.company_id !== entry.company.company_id);
  const rest = { ...drafts, removed };
  return companyId && entry.editor ? withEditor(rest, companyId, entry.editor) : rest;
}

/** @param {Drafts} drafts */
export function isNothing({ editors, adding, ticked, importing, removed }) {
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
 * What is not saved, each in words; an empty list when everything is.
 * @param {Drafts} drafts
 * @returns {string[]}
 */
export function unsaved({ editors, adding, ticked, importing }) {
  const changed = Object.values(editors).filter(isChanged);
  return [
    ...changed.map(({ base }) => `changes to ${isolated(base.name)}`),
    ...(adding.found && !adding.found.company_id
      ? [`the company ${isolated(adding.name || adding.found.board)}`]
      : adding.url.trim() || adding.board.trim()
        ? ['an address or a board that was typed']
        : []),
    ...(ticked.length > 0 ? ['the companies that are ticked'] : []),
    ...(importing ? [`the file ${importing.file}`] : []),
  ];
}
