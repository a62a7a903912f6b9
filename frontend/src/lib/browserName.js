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
 * A short name of a browser, such as "Firefox on Linux"; an unknown User-Agent is returned as it is.
 * @param {string} userAgent
 */
export function browserName(userAgent) {
  const [browser] = BROWSERS.find(([, pattern]) => /** @type {RegExp} */ (pattern).test(userAgent)) ?? [];
  const [system] = SYSTEMS.find(([, pattern]) => /** @type {RegExp} */ (pattern).test(userAgent)) ?? [];
  return browser && system ? `${browser} on ${system}` : userAgent;
}
