import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';

// A busy machine may need longer than the library's one second.
configure({ asyncUtilTimeout: 15_000 });

beforeEach(() => {
  document.head.innerHTML = '<link rel="icon" href="/favicon-idle.svg">';
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

// jsdom has no modal dialogs. Like a browser, close() returns the focus to the opener.
const openers = new WeakMap();
HTMLDialogElement.prototype.showModal = function showModal() {
  openers.set(this, document.activeElement);
  this.open = true;
};
HTMLDialogElement.prototype.close = function close() {
  this.open = false;
  if (this.isConnected) {
    openers.get(this)?.focus();
  }
};
