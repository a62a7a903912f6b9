import { expect, test, vi } from 'vitest';
import { createDraftStore } from './draftStore.js';
import { NO_DRAFTS } from './drafts.js';

const typed = (url) => (drafts) => ({ ...drafts, adding: { ...drafts.adding, url } });

test('drafts survive a refresh, for their user only', () => {
  createDraftStore(1).update(typed('acme.example'));
  expect(createDraftStore(1).get().adding.url).toBe('acme.example');
  expect(createDraftStore(2).get()).toEqual(NO_DRAFTS);
});

test('the storage is cleared when nothing is unsaved', () => {
  const store = createDraftStore(1);
  store.update(typed('acme.example'));
  expect(sessionStorage.length).toBe(1);
  store.update(typed(''));
  expect(sessionStorage.length).toBe(0);
});

test('listeners are called until they unsubscribe', () => {
  const store = createDraftStore(1);
  const listener = vi.fn();
  const unsubscribe = store.subscribe(listener);
  store.update(typed('a'));
  unsubscribe();
  store.update(typed('b'));
  expect(listener).toHaveBeenCalledTimes(1);
});

test('broken or full storage raises no error', () => {
  sessionStorage.setItem('drafts-1', '{');
  expect(createDraftStore(1).get()).toEqual(NO_DRAFTS);
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError');
  });
  const store = createDraftStore(2);
  store.update(typed('a'));
  expect(store.get().adding.url).toBe('a');
});
