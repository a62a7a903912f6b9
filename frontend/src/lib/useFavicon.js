import { useLayoutEffect } from 'react';
import unknown from './favicon-unknown.svg';

/** The icon of a status that is not known at present. */
export const UNKNOWN = 'unknown';

// It is needed when the server can no longer be asked for it, so the browser loads it beforehand and keeps it.
new Image().src = unknown;

/**
 * The tab's icon while the caller is on the page.
 * @param {string} name UNKNOWN, or that of public/favicon-NAME.svg
 */
export function useFavicon(name) {
  useLayoutEffect(() => {
    const link = /** @type {HTMLLinkElement} */ (document.querySelector('link[rel="icon"]'));
    link.href = name === UNKNOWN ? unknown : `/favicon-${name}.svg`;
    return () => {
      link.href = '/favicon-idle.svg';
    };
  }, [name]);
}
