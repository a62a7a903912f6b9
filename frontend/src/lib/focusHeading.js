/** Gives the focus to the page's heading: what had it is gone. */
export function focusHeading() {
  /** @type {HTMLElement | null} */ (document.querySelector('main h1'))?.focus();
}
