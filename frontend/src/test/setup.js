import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';

// What is waited for comes sooner or later; on a busy machine, later than the library's one second.
configure({ asyncUtilTimeout: 15_000 });

beforeEach(() => {
  document.head.innerHTML = '<link rel="icon" href="/favicon-idle.svg">';
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

// jsdom has no modal dialogs; a browser's give the focus back when they are closed.
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
