/** Filter terms as a person types them, and in short. */

import { isolated } from './format.js';

/**
 * The terms of a text with commas between them: trimmed, none blank, none twice.
 * @param {string} text
 * @returns {string[]}
 */
export function termsOf(text) {
  return [...new Set(text.split(/[,\n]/).map((term) => term.trim()))].filter(Boolean);
}

/**
 * The text that termsOf() makes the same terms of.
 * @param {string[]} terms
 */
export function textOf(terms) {
  return terms.join(', ');
}

/**
 * What somebody else has made of a company, in words.
 * @param {import('../api/companies.js').Company} company
 */
export function changedElsewhere(company) {
  const state = company.enabled ? '' : ' It is not enabled.';
  return `${isolated(company.name)} was changed elsewhere meanwhile. It is now: ${filtersInShort(company)}${state}`;
}

/**
 * The filters of a company, in a sentence or two.
 * @param {{include: string[], exclude: string[]}} filters
 */
export function filtersInShort({ include, exclude }) {
  const only = include.length > 0 ? `Only titles with: ${textOf(include.map(isolated))}.` : 'Every title.';
  return exclude.length > 0 ? `${only} Never: ${textOf(exclude.map(isolated))}.` : only;
}
