/**
 * Validation errors as lines such as "Entry 3, name: Too long." The path may be nested; positions in lists count from 1.
 * @param {any} errors
 * @param {string} [unit] the word for an item of a list
 * @param {string[]} [path]
 * @returns {string[]}
 */
export function errorLines(errors, unit = 'Entry', path = []) {
  if (Array.isArray(errors)) {
    const prefix = path.length > 0 ? `${path.join(', ')}: ` : '';
    return errors.map((error) => `${prefix}${error}`);
  }
  if (typeof errors !== 'object' || errors === null) {
    return errors === undefined || errors === null ? [] : errorLines([errors], unit, path);
  }
  return Object.entries(errors).flatMap(([name, nested]) =>
    errorLines(nested, unit, [...path, ...pathWords(name, unit)]),
  );
}

/** Names that marshmallow and the request's shape add to a path. */
const HIDDEN = ['companies', 'json', '_schema'];

/** The words for one step of a path: a position with its unit; the list itself is left out. */
function pathWords(name, unit) {
  return name
    .split('.')
    .filter((part) => !HIDDEN.includes(part))
    .map((part) => (/^\d+$/.test(part) ? `${unit} ${Number(part) + 1}` : part));
}

/**
 * The errors of one field as Field expects them; undefined for none.
 * @param {any} errors the server's errors of the field, by position if it is a list
 * @param {string} [unit]
 * @returns {string[] | undefined}
 */
export function fieldErrors(errors, unit) {
  const lines = errorLines(errors, unit);
  return lines.length > 0 ? lines : undefined;
}
