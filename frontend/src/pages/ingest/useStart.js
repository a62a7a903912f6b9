import { useRef } from 'react';
import { useNavigate } from 'react-router';
import { useStartRun } from '../../api/runs.js';
import { newIdempotencyKey } from '../../lib/idempotencyKey.js';
import { paths } from '../../lib/paths.js';
import { isOutcomeKnown } from '../../lib/retryPolicy.js';
import { startError } from '../../messages/start.js';

/** Start a run and go to it; if one is already active, go to that one with a notice. */
export function useStart() {
  const mutation = useStartRun();
  const navigate = useNavigate();
  // A ref, because a second click may come before the next render.
  const isPending = useRef(false);
  // A start with an unknown outcome. Another click repeats it with the same key instead of starting a second run.
  const unconfirmed = useRef(/** @type {{previewId: number, key: string} | null} */ (null));
  return {
    problem: startError(mutation.error),
    isPending: mutation.isPending,
    // A pending start is kept, because its success leads to the new run.
    dismiss: () => !isPending.current && mutation.reset(),
    /** @param {number} previewId */
    begin: (previewId) => {
      if (isPending.current) {
        return;
      }
      isPending.current = true;
      const start =
        unconfirmed.current?.previewId === previewId
          ? unconfirmed.current
          : { previewId, key: newIdempotencyKey() };
      unconfirmed.current = start;
      mutation.mutate(start, {
        onSuccess: (runId) => navigate(paths.run(runId)),
        onError: ({ code, problem: { run_id: runId } }) =>
          code === 'run_active' && navigate(paths.run(runId), { state: { alreadyActive: true } }),
        onSettled: (_runId, error) => {
          isPending.current = false;
          unconfirmed.current = error && !isOutcomeKnown(error) ? start : null;
        },
      });
    },
  };
}
