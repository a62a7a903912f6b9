import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import { isEmpty, NO_DRAFTS } from './drafts.js';

/** @typedef {import('./drafts.js').Drafts} Drafts */
/** @typedef {ReturnType<typeof createDraftStore>} DraftStore */

/**
 * Create the store of one user's drafts in one tab. A copy in sessionStorage survives a refresh; without storage, drafts
 * live as long as the page.
 * @param {number} userId
 */
export function createDraftStore(userId) {
  const key = `drafts-${userId}`;
  const listeners = new Set();
  let drafts = read(key);
  return {
    get: () => drafts,
    /** @param {() => void} listener */
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** @param {(drafts: Drafts) => Drafts} updater */
    update: (updater) => {
      drafts = updater(drafts);
      write(key, drafts);
      for (const listener of listeners) {
        listener();
      }
    },
  };
}

/** @returns {Drafts} */
function read(key) {
  try {
    return { ...NO_DRAFTS, ...JSON.parse(sessionStorage.getItem(key) ?? '{}') };
  } catch {
    return NO_DRAFTS;
  }
}

function write(key, drafts) {
  try {
    if (isEmpty(drafts)) {
      sessionStorage.removeItem(key);
    } else {
      sessionStorage.setItem(key, JSON.stringify(drafts));
    }
  } catch {
    // Storage is forbidden or full.
  }
}

export const DraftContext = createContext(/** @type {DraftStore | null} */ (null));

/** The draft store, for components that update drafts without rendering them. */
export function useDraftStore() {
  return /** @type {DraftStore} */ (useContext(DraftContext));
}

/**
 * A part of the drafts. The component renders again when the part changes.
 * @template Part
 * @param {(drafts: Drafts) => Part} selector
 * @returns {Part}
 */
export function useDrafts(selector) {
  const store = useDraftStore();
  return useSyncExternalStore(
    store.subscribe,
    useCallback(() => selector(store.get()), [store, selector]),
  );
}
