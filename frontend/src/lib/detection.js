/**
 * The URL of a typed address: https if no scheme was typed.
 * @param {string} typed
 */
export function toUrl(typed) {
  const address = typed.trim();
  return /^[a-z][a-z\d+.-]*:/i.test(address) ? address : `https://${address}`;
}
