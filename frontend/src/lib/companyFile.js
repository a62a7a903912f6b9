/** A list of companies in a file: read, and looked over before it is sent. */

/** @typedef {import('../api/companies.js').NewCompany} NewCompany */

const MOST = 1000;

/**
 * The companies of a file's text, or what is wrong with it. The server looks more closely.
 * @param {string} text
 * @returns {{companies: NewCompany[], problem: null} | {companies: null, problem: string}}
 */
export function readCompanyFile(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    return refused('This file is not JSON.');
  }
  const { companies } = document ?? {};
  if (!Array.isArray(companies)) {
    return refused('This file has no list of companies: {"companies": […]} is what it must be.');
  }
  if (companies.length === 0) {
    return refused('The list in this file is empty.');
  }
  if (companies.length > MOST) {
    return refused(`This file has ${companies.length} companies; ${MOST} are the most.`);
  }
  const faults = companies.map(faultOf);
  const bad = faults.findIndex(Boolean);
  return bad < 0 ? { companies, problem: null } : refused(`Entry ${bad + 1} ${faults[bad]}.`);
}

/**
 * How many of them are new to a list.
 * @param {NewCompany[]} companies
 * @param {{source: string, board: string}[]} known
 */
export function countNew(companies, known) {
  const keys = new Set(known.map(keyOf));
  return companies.filter((company) => !keys.has(keyOf(company))).length;
}

/** What makes a company the same one. @param {{source: string, board: string}} company */
export function keyOf({ source, board }) {
  return `${source}:${board}`;
}

function faultOf(entry) {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return 'is no company';
  }
  const missing = ['source', 'board', 'name'].find((field) => typeof entry[field] !== 'string');
  return missing ? `has no ${missing}` : null;
}

function refused(problem) {
  return { companies: null, problem };
}
