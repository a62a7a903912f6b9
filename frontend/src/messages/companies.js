/** Messages about the user's companies: the list, its filters, adding, importing and removing. */

import { amount, formatCount, isolated } from '../lib/format.js';
import { formatTerms } from '../lib/terms.js';

/** @typedef {import('../api/companies.js').Company} Company */

/** @param {number} count */
const companies = (count) => amount(count, 'company', 'companies');

export const listMessages = {
  loading: 'Loading your companies …',
  empty:
    'Your list is empty. Add a company by the address of its careers page, or start with some of the suggested ones.',
  noMatch: 'No companies match.',
  searchHint: 'Company or board',
  notSwitched: 'Your change was not saved. Check the company and try again.',
  /** @param {number} shown @param {number} total @param {number} enabled @param {boolean} isFiltered */
  counts: (shown, total, enabled, isFiltered) =>
    `${isFiltered ? `${formatCount(shown)} of ` : ''}${companies(total)}, ${formatCount(enabled)} enabled`,
  /** @param {string} name */
  removed: (name) => `${isolated(name)} was removed.`,
  alreadyInList: 'It is already in your list.',
  restoring: 'Restoring …',
};

/** Words for changeError(). */
export const companyChanges = {
  add: { refused: 'The company was not added.', change: 'the company was added' },
  addMany: { refused: 'The companies were not added.', change: 'the companies were added' },
  import: { refused: 'Nothing was imported.', change: 'the file was imported' },
  restore: { refused: 'The company could not be restored.', change: 'the company was restored' },
  save: { refused: 'Your changes were not saved.', change: 'your changes were saved' },
  /** @param {string} name */
  enable: (name) => ({
    refused: 'Your change was not saved.',
    change: `your change to ${isolated(name)} was saved`,
  }),
  /** @param {string} name */
  remove: (name) => ({
    refused: `${isolated(name)} was not removed.`,
    change: `${isolated(name)} was removed`,
  }),
};

export const addMessages = {
  slow: 'This can take up to a minute.',
  /** @param {string | undefined} board */
  looking: (board) => (board ? `Reading the board ${isolated(board)} …` : 'Looking for the board …'),
  /** @param {string} name */
  added: (name) => `${isolated(name)} was added.`,
  addedCount: (count) => `${companies(count)} added.`,
  /** @param {string | null} otherName the company's name in the list, if it differs */
  known: (otherName) =>
    `This company is already in your list${otherName ? ` as ${isolated(otherName)}` : ''}.`,
  /** @param {string} name the company with the same board */
  sameBoard: (name) =>
    `This board is already among your companies as “${isolated(name)}”, under another name.`,
  /** @param {string} name @param {string} other the company with the same board */
  addedSame: (name, other) =>
    `${isolated(name)} was added. Its board is the same as that of “${isolated(other)}”, under another name. ` +
    'You get each posting twice unless you remove one of them.',
  /** @param {string} source */
  switchedOff: (source) => `${source}, switched off on this server`,
  incomplete: ', but some of the board could not be read',
  notSaved: 'Not saved yet.',
  allSuggestedAdded: 'All suggested companies are in your list.',
};

export const filterMessages = {
  help:
    'Words match whole words; capitals and accents do not matter: ‘intern’ does not match ‘Internal Tools Engineer’. ' +
    '‘engineer’ also matches ‘Engineers’, but not the other way round. ‘engineer*’ matches every word that begins with ' +
    'engineer. Separate terms with commas: one that matches is enough. Words without a comma must follow each other. ' +
    'If ‘Titles must contain’ is empty, every title matches. If both lists match, the posting is left out.',
  includeHint: 'Separate with commas: engineer*, product designer',
  excludeHint: 'Separate with commas: intern, senior',
  conflict: 'Your text is still here, but not saved.',
  notSaved: 'Not saved yet.',
  overwrite: 'Overwrite',
  discardMine: 'Discard mine',
};

/**
 * The filters of a company in a phrase: "titles with engineer; not with intern".
 * @param {{include: string[], exclude: string[]}} filters
 */
function filterPhrase({ include, exclude }) {
  const wanted = include.length > 0 ? `titles with ${formatTerms(include.map(isolated))}` : 'every title';
  return exclude.length > 0 ? `${wanted}; not with ${formatTerms(exclude.map(isolated))}` : wanted;
}

/**
 * The filters of a company in a sentence.
 * @param {{include: string[], exclude: string[]}} filters
 */
export function filterSummary(filters) {
  const phrase = filterPhrase(filters);
  return `${phrase[0].toUpperCase()}${phrase.slice(1)}.`;
}

/**
 * A message about a company that was changed in another tab, with its present filters.
 * @param {Company} company
 */
export function changedElsewhereMessage(company) {
  const state = company.enabled ? '' : ' It is not enabled.';
  return `${isolated(company.name)} was changed in another tab or on another device. Its filters are now: ${filterPhrase(company)}.${state}`;
}

export const importMessages = {
  hint: 'Choose a file made by Export. No company is removed from your list.',
  unreadable: 'This file cannot be read. Choose a file made by Export.',
  empty: 'The list in this file is empty.',
  notImported: 'Not imported yet.',
  /** @param {number} count */
  moreErrors: (count) => `… and ${formatCount(count)} more.`,
  /** @param {string} file @param {number} total @param {number} added */
  summary: (file, total, added) =>
    `${isolated(file)} has ${companies(total)}: ${formatCount(added)} new, ${formatCount(total - added)} already in ` +
    'your list. Those in your list get the name and filters from the file.',
  /** @param {import('../api/companies.js').ImportResult} result */
  done: ({ added, changed, unchanged }) =>
    `Imported: ${formatCount(added)} added, ${formatCount(changed)} changed, ${formatCount(unchanged)} unchanged.`,
};

export const unsavedMessages = {
  address: 'the address or board you typed',
  ticked: 'the companies you ticked',
  /** @param {string} name */
  editor: (name) => `changes to ${isolated(name)}`,
  /** @param {string} name */
  found: (name) => `the company ${isolated(name)}`,
  /** @param {string} file */
  file: (file) => `the file ${isolated(file)}`,
  title: 'Continue without saving?',
  confirm: 'Continue without saving',
  cancel: 'Keep editing',
  /** @param {string[]} changes */
  text: (changes) => {
    const shown =
      changes.length > 5
        ? `${changes.slice(0, 4).join(', ')} and ${changes.length - 4} more`
        : changes.join(', ');
    return `Not saved: ${shown}. Your input stays here, but the preview does not include it.`;
  },
};
