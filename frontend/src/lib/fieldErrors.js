/**
 * What is wrong with a document, one line per fault: "Entry 3, name: too long." Where it is may be nested; a place in a
 * list is told as people count.
 * @param {any} errors
 * @param {string} [unit] what a place in a list is called
 * @param {string[]} [place]
 * @returns {string[]}
 */
export function faultLines(errors, unit = 'Entry', place = []) {
  if (Array.isArray(errors)) {
    const where = place.length > 0 ? `${place.join(', ')}: ` : '';
    return errors.map((each) => `${where}${each}`);
  }
  if (typeof errors !== 'object' || errors === null) {
    return errors === undefined || errors === null ? [] : faultLines([errors], unit, place);
  }
  return Object.entries(errors).flatMap(([name, inside]) =>
    faultLines(inside, unit, [...place, ...words(name, unit)]),
  );
}

/** The words for a step of the way: a position is told with its unit, and the list that it is in goes without saying. */
function words(name, unit) {
  return name
    .split('.')
    .filter((part) => part !== 'companies' && part !== 'json')
    .map((part) => (/^\d+$/.test(part) ? `${unit} ${Number(part) + 1}` : part));
}

/**
 * What is wrong with one field, as a Field shows it; undefined for nothing.
 * @param {any} errors what the server says of it, which may be by position in a list
 * @param {string} [unit]
 * @returns {string[] | undefined}
 */
export function fieldFaults(errors, unit) {
  const lines = faultLines(errors, unit);
  return lines.length > 0 ? lines : undefined;
}
