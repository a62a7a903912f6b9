/**
 * The companies whose name, board or source contains every word of a search.
 * @template {{name: string, board: string, source_name: string}} Company
 * @param {Company[]} companies
 * @param {string} search
 * @returns {Company[]}
 */
export function searchCompanies(companies, search) {
  const words = normalize(search).split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return companies;
  }
  return companies.filter(({ name, board, source_name: source }) => {
    const text = normalize(`${name} ${board} ${source}`);
    return words.every((word) => text.includes(word));
  });
}

const NAMES = new Intl.Collator(undefined, { numeric: true });

/**
 * Companies sorted by name, numbers by value: 2 comes before 10.
 * @template {{name: string}} Company
 * @param {Company[]} companies
 * @returns {Company[]}
 */
export function sortByName(companies) {
  return companies.toSorted((one, other) => NAMES.compare(one.name, other.name));
}

/** The text without accents, in lower case. */
function normalize(text) {
  return text
    .normalize('NFD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
}
