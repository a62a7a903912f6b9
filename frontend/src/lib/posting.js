/** What can be said of a posting and of a company of a preview. */

import { amount, formatCount, formatDay, isolated } from './format.js';

/** @typedef {import('../api/previews.js').Posting} Posting */
/** @typedef {import('../api/previews.js').PreviewCompany} PreviewCompany */

/**
 * An address that may become a link: it comes from a board, and a board may hold anything. A company of a system that is
 * not known any more has none.
 * @param {string | null} url
 * @returns {string | null}
 */
export function linkable(url) {
  return url !== null && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;
}

/**
 * Why a posting is taken or left out; empty where no filter had a say.
 * @param {Posting} posting
 */
export function ruleInWords({ taken, rule: { kind, term } }) {
  if (taken) {
    return term ? `taken: ${isolated(term)}` : '';
  }
  return kind === 'exclude' ? `left out by ‘${isolated(term ?? '')}’` : 'no word of ‘Only’ in the title';
}

const WORKPLACES = { remote: 'Remote', hybrid: 'Hybrid', on_site: 'On site' };

/**
 * The facts that there are, in the order they are shown in.
 * @param {Posting} posting
 * @returns {string[]}
 */
export function factsOf({ location, department, workplace, employment_type: type, posted_at: at }) {
  return [
    location,
    workplace && (WORKPLACES[workplace] ?? workplace),
    department,
    type,
    at && `posted ${formatDay(at)}`,
  ].filter((fact) => typeof fact === 'string' && fact !== '');
}

/**
 * How it stands with a company, in a few words.
 * @param {PreviewCompany} company
 */
export function stateInWords({ state, found, taken }) {
  if (state === 'listed') {
    return found === 0
      ? 'Empty board'
      : `${formatCount(taken ?? 0)} of ${amount(found ?? 0, 'posting')} taken`;
  }
  return { waiting: 'Waiting', listing: 'Listing now', failed: 'Failed' }[state];
}

/**
 * What is missing of a listing; null where nothing is. With records that could not be read a listing is never complete:
 * then it is not known that there is more than these.
 * @param {PreviewCompany} company
 */
export function gapsInWords({ is_complete: isComplete, unread }) {
  if (unread) {
    return `${amount(unread, 'posting')} could not be read.`;
  }
  return isComplete === false ? 'The board has more postings than it listed.' : null;
}

export const KINDS = { all: 'All', taken: 'With postings', failed: 'Failed' };

/**
 * The companies of a kind.
 * @param {PreviewCompany[]} companies
 * @param {string} kind
 */
export function ofKind(companies, kind) {
  const isKind = {
    taken: ({ taken }) => taken > 0,
    failed: ({ state }) => state === 'failed',
  }[kind];
  return isKind ? companies.filter(isKind) : companies;
}
