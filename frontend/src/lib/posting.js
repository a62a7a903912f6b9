/** Postings of a preview, and the companies they belong to. */

import { formatDay } from './format.js';

/** @typedef {import('../api/previews.js').Posting} Posting */
/** @typedef {import('../api/previews.js').PreviewCompany} PreviewCompany */

/**
 * The address if it is safe to link to, else null. Boards may contain any text, and a company of an unknown source has no
 * address.
 * @param {string | null} url
 * @returns {string | null}
 */
export function safeLink(url) {
  return url !== null && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;
}

export const WORKPLACES = { remote: 'Remote', hybrid: 'Hybrid', on_site: 'On site' };

/**
 * The known facts about a posting, in the order they are shown.
 * @param {Posting} posting
 * @returns {string[]}
 */
export function postingFacts({ location, department, workplace, employment_type: type, posted_at: at }) {
  return [
    location,
    workplace && (WORKPLACES[workplace] ?? workplace),
    department,
    type,
    at && `posted ${formatDay(at)}`,
  ].filter((fact) => typeof fact === 'string' && fact !== '');
}

export const COMPANY_FILTERS = { all: 'All', matched: 'With matching postings', failed: 'Not read' };

/**
 * The companies that a filter of COMPANY_FILTERS selects.
 * @param {PreviewCompany[]} companies
 * @param {string} filter
 */
export function filterCompanies(companies, filter) {
  const isSelected = {
    matched: ({ matched }) => matched > 0,
    failed: ({ state }) => state === 'failed',
  }[filter];
  return isSelected ? companies.filter(isSelected) : companies;
}
