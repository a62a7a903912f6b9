const BROWSERS = [
  ['Edge', /Edg/],
  ['Opera', /OPR/],
  ['Firefox', /Firefox/],
  ['Chrome', /Chrome/],
  ['Safari', /Safari/],
];
const SYSTEMS = [
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Windows', /Windows/],
  ['macOS', /Mac OS/],
  ['Linux', /Linux/],
];

/**
 * What a person would call the browser that calls itself so (a User-Agent); what is not known keeps its own word.
 * @param {string} userAgent
 */
export function browserName(userAgent) {
  const [browser] = BROWSERS.find(([, pattern]) => /** @type {RegExp} */ (pattern).test(userAgent)) ?? [];
  const [system] = SYSTEMS.find(([, pattern]) => /** @type {RegExp} */ (pattern).test(userAgent)) ?? [];
  return browser && system ? `${browser} on ${system}` : userAgent;
}
