/** Messages about previews and their postings. */

import { amount, formatCount, isolated } from '../lib/format.js';

/** @typedef {import('../api/previews.js').Posting} Posting */
/** @typedef {import('../api/previews.js').PreviewCompany} PreviewCompany */

export const previewMessages = {
  preparing: 'Preparing the preview …',
  none: 'There is no preview yet.',
  noCompanies: 'None of your companies is enabled, so there is nothing to preview.',
  outdated: 'Your companies have changed since this preview was made.',
  unsaved: 'You have unsaved changes. They are not part of this preview.',
  noCompanyMatches: 'No companies match.',
  /** @param {import('../api/previews.js').Preview['totals']} totals */
  totals: ({ found, listed }) =>
    `of ${amount(found, 'posting')} from ${amount(listed, 'company', 'companies')} match your filters`,
  /** @param {number} done @param {number} total */
  progress: (done, total) => `${formatCount(done)} of ${amount(total, 'board')} read`,
};

/** Words for changeError(). */
export const previewChanges = {
  create: { refused: 'The preview was not created.', change: 'the preview was created' },
};

export const postingMessages = {
  notLoaded: 'The postings could not be loaded.',
  textNotLoaded: 'The description could not be loaded.',
  noText: 'This posting has no description.',
  allLeftOut: 'The filters leave out every posting.',
  none: 'No postings.',
  noSearchResult: 'No postings match your search.',
  searching: 'Searching …',
  /** @param {number} count @param {boolean} hasMore */
  resultCount: (count, hasMore) => `${hasMore ? 'The first ' : ''}${amount(count, 'posting')}`,
  /** @param {number} boards */
  moreExpected: (boards) =>
    `${amount(boards, 'board is', 'boards are')} not read yet, so there may be more results.`,
};

/**
 * The reason why a posting matches or is left out; empty if no filter decided it.
 * @param {Posting} posting
 */
export function ruleMessage({ matched, rule: { kind, term } }) {
  if (matched) {
    return term ? `matches ‘${isolated(term)}’` : '';
  }
  return kind === 'exclude'
    ? `left out by ‘${isolated(term ?? '')}’`
    : 'has none of the words in ‘Titles must contain’';
}

/**
 * The state of a company of a preview, in a few words.
 * @param {PreviewCompany} company
 */
export function companyState({ state, found, matched }) {
  if (state === 'listed') {
    return found === 0
      ? 'No postings'
      : `${formatCount(matched ?? 0)} of ${amount(found ?? 0, 'posting')} match`;
  }
  return { waiting: 'Waiting', listing: 'Reading now', failed: 'Not read' }[state];
}

/**
 * The gaps of a listing, or null. A listing with unreadable records is never complete, so the number of records is then
 * the better message.
 * @param {PreviewCompany} company
 */
export function listingGaps({ is_complete: isComplete, unparsed }) {
  if (unparsed) {
    return `${amount(unparsed, 'posting')} could not be read.`;
  }
  return isComplete === false ? 'The board has more postings than could be read.' : null;
}
