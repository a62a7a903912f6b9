/** Files of companies for the import. */

import { importMessages } from '../messages/companies.js';

/** @typedef {import('../api/companies.js').NewCompany} NewCompany */

/**
 * Parse a file made by Export. Entries are validated by the server alone, which answers with errors by entry and field.
 * @param {string} text
 * @returns {{companies: NewCompany[], problem: null} | {companies: null, problem: string}}
 */
export function parseCompanyFile(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    return { companies: null, problem: importMessages.unreadable };
  }
  const { companies } = document ?? {};
  if (!Array.isArray(companies)) {
    return { companies: null, problem: importMessages.unreadable };
  }
  return companies.length > 0
    ? { companies, problem: null }
    : { companies: null, problem: importMessages.empty };
}

/**
 * Count the companies that a list does not contain yet.
 * @param {NewCompany[]} companies entries of a file, which may be of any shape
 * @param {{source: string, board: string}[]} list
 */
export function countNew(companies, list) {
  const keys = new Set(list.map(companyKey));
  return companies.filter((company) => !keys.has(companyKey(company))).length;
}

/**
 * The identity of a company within a list.
 * @param {{source: string, board: string} | null} company
 */
export function companyKey(company) {
  return `${company?.source}:${company?.board}`;
}
