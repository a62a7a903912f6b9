import '@testing-library/jest-dom/vitest';
import { cleanup } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';

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
