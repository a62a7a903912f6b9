/**
 * The companies whose name, board or system has every word of a search.
 * @template {{name: string, board: string, source_name: string}} Company
 * @param {Company[]} companies
 * @param {string} search
 * @returns {Company[]}
 */
export function matching(companies, search) {
  const words = plain(search).split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return companies;
  }
  return companies.filter(({ name, board, source_name: system }) => {
    const text = plain(`${name} ${board} ${system}`);
    return words.every((word) => text.includes(word));
  });
}

const NAMES = new Intl.Collator(undefined, { numeric: true });

/**
 * Companies by name, as a person sorts them: 2 comes before 10.
 * @template {{name: string}} Company
 * @param {Company[]} companies
 * @returns {Company[]}
 */
export function byName(companies) {
  return companies.toSorted((one, other) => NAMES.compare(one.name, other.name));
}

/** Upper or lower case and accents make no difference. */
function plain(text) {
  return text
    .normalize('NFD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
}
