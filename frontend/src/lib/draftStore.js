import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import { isNothing, NO_DRAFTS } from './drafts.js';

/** @typedef {import('./drafts.js').Drafts} Drafts */
/** @typedef {ReturnType<typeof makeDraftStore>} DraftStore */

/**
 * The drafts of one user in one tab. The storage of the tab has a copy, for a refresh; where a browser allows none, they
 * live as long as the page.
 * @param {number} userId
 */
export function makeDraftStore(userId) {
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
    /** @param {(before: Drafts) => Drafts} change */
    change: (change) => {
      drafts = change(drafts);
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
    if (isNothing(drafts)) {
      sessionStorage.removeItem(key);
    } else {
      sessionStorage.setItem(key, JSON.stringify(drafts));
    }
  } catch {
    // No storage, or a full one.
  }
}

export const DraftContext = createContext(/** @type {DraftStore | null} */ (null));

/** The store itself, for what only changes drafts. */
export function useDraftStore() {
  return /** @type {DraftStore} */ (useContext(DraftContext));
}

/**
 * A part of the drafts; it renders again when that part is another one.
 * @template Part
 * @param {(drafts: Drafts) => Part} part
 * @returns {Part}
 */
export function useDrafts(part) {
  const store = useDraftStore();
  return useSyncExternalStore(
    store.subscribe,
    useCallback(() => part(store.get()), [store, part]),
  );
}
