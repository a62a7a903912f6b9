import { useEffect } from 'react';

/**
 * The tab's icon while the caller is on the page.
 * @param {string} name of public/favicon-NAME.svg
 */
export function useFavicon(name) {
  useEffect(() => {
    const link = /** @type {HTMLLinkElement} */ (document.querySelector('link[rel="icon"]'));
    link.href = `/favicon-${name}.svg`;
    return () => {
      link.href = '/favicon-idle.svg';
    };
  }, [name]);
}
