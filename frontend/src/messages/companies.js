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
  searchHint: 'Company, board or source',
  notSwitched: 'Your change was not saved. You can make it now.',
  /** @param {number} shown @param {number} total @param {number} enabled @param {boolean} isFiltered */
  counts: (shown, total, enabled, isFiltered) =>
    `${isFiltered ? `${formatCount(shown)} of ` : ''}${companies(total)}, ${formatCount(enabled)} enabled`,
  /** @param {string} name */
  removed: (name) => `${isolated(name)} was removed.`,
  alreadyInList: 'It is already in your list.',
  restoring: 'Restoring …',
  /** @param {string} name */
  change: (name) => `change of ${isolated(name)}`,
  /** @param {string} name */
  removal: (name) => `removal of ${isolated(name)}`,
};

/** Words for changeError(). */
export const companyChanges = {
  add: { refused: 'The company was not added.', change: 'new company' },
  addMany: { refused: 'The companies were not added.', change: 'addition' },
  import: { refused: 'Nothing was imported.', change: 'import' },
  restore: { refused: 'The company could not be restored.', change: 'restoration' },
  save: { refused: 'Your changes were not saved.', change: 'change' },
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
  incomplete: ', but some of the board could not be read',
  notSaved: 'Not saved yet.',
  allSuggestedAdded: 'All suggested companies are in your list.',
};

export const filterMessages = {
  help:
    'Filters compare whole words of the title and ignore upper and lower case: intern does not match Internal Tools ' +
    'Engineer. Plurals match too: engineer also finds Engineers. A * stands for any ending: engineer* finds ' +
    'Engineering. Several words without a comma between them must stand together. If “Only titles with” is empty, ' +
    'every title matches. “Never titles with” wins over “Only titles with”.',
  includeHint: 'Separate with commas: engineer*, product designer',
  excludeHint: 'Separate with commas: intern, senior',
  conflict: 'Your text is still here, but not saved.',
  notSaved: 'Not saved yet.',
  overwrite: 'Overwrite',
  discardMine: 'Discard mine',
};

/**
 * The filters of a company in a sentence or two.
 * @param {{include: string[], exclude: string[]}} filters
 */
export function filterSummary({ include, exclude }) {
  const only =
    include.length > 0 ? `Only titles with: ${formatTerms(include.map(isolated))}.` : 'Every title.';
  return exclude.length > 0 ? `${only} Never: ${formatTerms(exclude.map(isolated))}.` : only;
}

/**
 * A message about a company that was changed in another tab, with its present filters.
 * @param {Company} company
 */
export function changedElsewhereMessage(company) {
  const state = company.enabled ? '' : ' It is not enabled.';
  return `${isolated(company.name)} was changed in another tab or on another device. It is now: ${filterSummary(company)}${state}`;
}

export const importMessages = {
  hint: 'Choose a file made by Export. No company is removed from your list.',
  notJson: 'This file is not JSON. Choose a file made by Export.',
  noList: 'This file has no list of companies. Choose a file made by Export.',
  empty: 'The list in this file is empty.',
  notImported: 'Not imported yet.',
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
    return `Not saved: ${shown}. They stay here, but the preview does not include them.`;
  },
};
