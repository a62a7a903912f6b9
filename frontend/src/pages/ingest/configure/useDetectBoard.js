import { useRef } from 'react';
import { useDetect } from '../../../api/sources.js';
import { toUrl } from '../../../lib/detection.js';
import { useDraftStore } from '../../../lib/draftStore.js';

/** Find a board. The result becomes a draft, even if another page is shown by then. */
export function useDetectBoard() {
  const { get, update } = useDraftStore();
  const controller = useRef(/** @type {AbortController | null} */ (null));
  // A ref, because a second click may come before the next render.
  const isPending = useRef(false);
  const mutation = useDetect((found) =>
    update((drafts) => ({ ...drafts, adding: { ...drafts.adding, found, name: found.name ?? found.board } })),
  );
  return {
    isPending: mutation.isPending,
    query: mutation.variables?.query ?? { url: '' },
    error: mutation.error,
    isFresh: mutation.isSuccess,
    reset: mutation.reset,
    cancel: () => {
      controller.current?.abort();
      isPending.current = false;
      mutation.reset();
    },
    /** @param {import('../../../api/sources.js').BoardQuery} typed */
    detect: (typed) => {
      if (isPending.current) {
        return;
      }
      isPending.current = true;
      controller.current = new AbortController();
      const { signal } = controller.current;
      const query = 'url' in typed ? { url: toUrl(typed.url) } : typed;
      if (get().adding.found) {
        update((drafts) => ({ ...drafts, adding: { ...drafts.adding, found: null, name: '' } }));
      }
      mutation.mutate(
        { query, signal },
        {
          onSettled: () => {
            isPending.current = false;
          },
        },
      );
    },
  };
}
