import { expect, test, vi } from 'vitest';
import { createDraftStore } from './draftStore.js';
import { NO_DRAFTS } from './drafts.js';

const typed = (url) => (drafts) => ({ ...drafts, adding: { ...drafts.adding, url } });

test('drafts survive a refresh, for their user alone', () => {
  createDraftStore(1).change(typed('acme.example'));
  expect(createDraftStore(1).get().adding.url).toBe('acme.example');
  expect(createDraftStore(2).get()).toEqual(NO_DRAFTS);
});

test('nothing is left in the storage when nothing is left unsaved', () => {
  const store = createDraftStore(1);
  store.change(typed('acme.example'));
  expect(sessionStorage.length).toBe(1);
  store.change(typed(''));
  expect(sessionStorage.length).toBe(0);
});

test('who listens is told, until he stops', () => {
  const store = createDraftStore(1);
  const told = vi.fn();
  const stop = store.subscribe(told);
  store.change(typed('a'));
  stop();
  store.change(typed('b'));
  expect(told).toHaveBeenCalledTimes(1);
});

test('a storage that is broken or refuses is no fault', () => {
  sessionStorage.setItem('drafts-1', '{');
  expect(createDraftStore(1).get()).toEqual(NO_DRAFTS);
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError');
  });
  const store = createDraftStore(2);
  store.change(typed('a'));
  expect(store.get().adding.url).toBe('a');
});
