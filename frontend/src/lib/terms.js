/** Filter terms and their text form. */

/**
 * The terms of a text with commas between them: trimmed, without blanks and duplicates.
 * @param {string} text
 * @returns {string[]}
 */
export function parseTerms(text) {
  return [...new Set(text.split(/[,\n]/).map((term) => term.trim()))].filter(Boolean);
}

/**
 * The inverse of parseTerms().
 * @param {string[]} terms
 */
export function formatTerms(terms) {
  return terms.join(', ');
}
