/** Messages about previews and their postings. */

import { amount, formatAge, formatCount, isolated } from '../lib/format.js';

/** @typedef {import('../api/previews.js').Posting} Posting */
/** @typedef {import('../api/previews.js').PreviewCompany} PreviewCompany */

export const previewMessages = {
  preparing: 'Preparing the preview …',
  none: 'There is no preview yet.',
  noCompanies: 'None of your companies is enabled, so there is nothing to preview.',
  refreshHint: 'Reads each board again, except those read in the last minute.',
  outdated: 'Your companies have changed since this preview was made.',
  unsaved: 'You have unsaved changes. They are not part of this preview.',
  noCompanyMatches: 'No companies match.',
  /** @param {import('../api/previews.js').Preview['totals']} totals */
  totals: ({ found, listed }) =>
    `of ${amount(found, 'posting')} from ${amount(listed, 'company', 'companies')} match your filters`,
  /** @param {number} done @param {number} total */
  progress: (done, total) => `${formatCount(done)} of ${amount(total, 'board')} read`,
};

const WAITING = {
  reader: 'No program reads boards on this server at present, so this preview waits. It goes on by itself.',
  previewer:
    'No program works on previews on this server at present, so this preview waits. It goes on by itself.',
  boards: 'Boards wait for more than 5 minutes to be read at present. This preview goes on by itself.',
};
const OPERATOR = 'If this lasts, tell the operator.';

/**
 * The reason why a preview waits, or null. A server that keeps its parts to itself only tells that one of them fails.
 * @param {import('../api/health.js').Health} health
 */
export function waitingReason({ status, checks }) {
  if (!checks) {
    return status === 'ok'
      ? null
      : `A part of this server does not work at present, so this preview may wait. It goes on by itself. ${OPERATOR}`;
  }
  const [, reason] = Object.entries(WAITING).find(([name]) => checks[name]?.ok === false) ?? [];
  return reason ? `${reason} ${OPERATOR}` : null;
}

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
export function companyState({ state, outcome, found, matched }) {
  if (state === 'listed') {
    if (found === 0) {
      // A board may have postings of which none can be read.
      return outcome === 'partial' ? 'None read' : 'No postings';
    }
    return `${formatCount(matched ?? 0)} of ${amount(found ?? 0, 'posting')} match`;
  }
  return { waiting: 'Waiting', listing: 'Reading now', failed: 'Not read' }[state];
}

/**
 * The age of a company's listing in words, or null.
 * @param {PreviewCompany} company
 * @param {number} now milliseconds, by the server's clock
 */
export function listingAge({ state, listed_at: listedAt }, now) {
  return state === 'listed' && listedAt ? `read ${formatAge(now - Date.parse(listedAt))}` : null;
}

/**
 * A remark on a listing, or null: the server's `detail`, such as that the board shrank, and the gaps.
 * The `detail` of a partial listing is about its gaps.
 * @param {PreviewCompany} company
 */
export function listingNote(company) {
  const { outcome, detail, unparsed } = company;
  if (!detail) {
    return listingGaps(company);
  }
  const gaps = outcome !== 'partial' && unparsed ? listingGaps(company) : null;
  return gaps ? `${isolated(detail)} ${gaps}` : isolated(detail);
}

/**
 * The gaps of a listing, or null. A listing with unreadable records is never complete, so the number of records is then
 * the better message.
 * @param {PreviewCompany} company
 */
function listingGaps({ is_complete: isComplete, unparsed }) {
  if (unparsed) {
    return `${amount(unparsed, 'posting')} could not be read.`;
  }
  return isComplete === false ? 'The board has more postings than could be read.' : null;
}
