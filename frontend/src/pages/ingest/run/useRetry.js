import { useRef } from 'react';
import { useNavigate } from 'react-router';
import { useRetryRun } from '../../../api/runCompanies.js';
import { newIdempotencyKey } from '../../../lib/idempotencyKey.js';
import { paths } from '../../../lib/paths.js';
import { isOutcomeKnown } from '../../../lib/retryPolicy.js';

/**
 * Start a run of the failed companies of an ended run, and go to it.
 * @param {number} runId
 */
export function useRetry(runId) {
  const mutation = useRetryRun(runId);
  const navigate = useNavigate();
  // A ref, because a second click may come before the next render.
  const isPending = useRef(false);
  // The key of a retry with an unknown outcome. Another click repeats it instead of starting a second run.
  const unconfirmed = useRef(/** @type {string | null} */ (null));
  return {
    error: mutation.error,
    isPending: mutation.isPending,
    dismiss: mutation.reset,
    begin: () => {
      if (isPending.current) {
        return;
      }
      isPending.current = true;
      const key = unconfirmed.current ?? newIdempotencyKey();
      mutation.mutate(key, {
        onSuccess: (newRunId) => navigate(paths.run(newRunId)),
        onSettled: (_newRunId, error) => {
          isPending.current = false;
          unconfirmed.current = error && !isOutcomeKnown(error) ? key : null;
        },
      });
    },
  };
}
