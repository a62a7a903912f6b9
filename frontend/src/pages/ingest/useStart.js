import { useRef } from 'react';
import { useNavigate } from 'react-router';
import { useStartRun } from '../../api/queries.js';
import { paths } from '../../lib/paths.js';
import { startProblem } from '../../lib/starting.js';

/** Starts a run and goes to it; if one is active already, goes to that one, which is told there. */
export function useStart() {
  const mutation = useStartRun();
  const navigate = useNavigate();
  // What is rendered is a moment late: a second click comes before it.
  const isUnderWay = useRef(false);
  return {
    problem: startProblem(mutation.error),
    isUnderWay: mutation.isPending,
    dismiss: mutation.reset,
    /** @param {number} previewId */
    begin: (previewId) => {
      if (isUnderWay.current) {
        return;
      }
      isUnderWay.current = true;
      mutation.mutate(previewId, {
        onSuccess: (runId) => navigate(paths.run(runId)),
        onError: ({ code, problem: { run_id: runId } }) =>
          code === 'run_active' && navigate(paths.run(runId), { state: { alreadyActive: true } }),
        onSettled: () => {
          isUnderWay.current = false;
        },
      });
    },
  };
}
