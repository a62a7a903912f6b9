/** Move the focus to the page's heading, after the focused element was removed. */
export function focusHeading() {
  /** @type {HTMLElement | null} */ (document.querySelector('main h1'))?.focus();
}
