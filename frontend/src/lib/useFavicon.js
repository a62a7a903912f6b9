import { useLayoutEffect } from 'react';
import unknown from './favicon-unknown.svg';

/** The icon for a status that is not known at present. */
export const UNKNOWN = 'unknown';

// It is needed when the server does not answer, so it is loaded beforehand.
new Image().src = unknown;

/**
 * Set the tab's icon while the component is mounted.
 * @param {string} name UNKNOWN, or NAME of public/favicon-NAME.svg
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
