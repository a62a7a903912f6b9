import { useRef } from 'react';
import { useNavigate } from 'react-router';
import { useStartRun } from '../../api/queries.js';
import { newKey } from '../../lib/newKey.js';
import { paths } from '../../lib/paths.js';
import { isRefusal } from '../../lib/retrying.js';
import { startProblem } from '../../lib/starting.js';

/** Starts a run and goes to it; if one is active already, goes to that one, which is told there. */
export function useStart() {
  const mutation = useStartRun();
  const navigate = useNavigate();
  // What is rendered is a moment late: a second click comes before it.
  const isUnderWay = useRef(false);
  // A start of which nobody knows what became; whoever presses the button again wants that one, not another.
  const open = useRef(/** @type {{previewId: number, key: string} | null} */ (null));
  return {
    problem: startProblem(mutation.error),
    isUnderWay: mutation.isPending,
    // One that is under way is not forgotten: it may have made a run, to which the page has to go.
    dismiss: () => !isUnderWay.current && mutation.reset(),
    /** @param {number} previewId */
    begin: (previewId) => {
      if (isUnderWay.current) {
        return;
      }
      isUnderWay.current = true;
      const start = open.current?.previewId === previewId ? open.current : { previewId, key: newKey() };
      open.current = start;
      mutation.mutate(start, {
        onSuccess: (runId) => navigate(paths.run(runId)),
        onError: ({ code, problem: { run_id: runId } }) =>
          code === 'run_active' && navigate(paths.run(runId), { state: { alreadyActive: true } }),
        onSettled: (_runId, error) => {
          isUnderWay.current = false;
          open.current = error && !isRefusal(error) ? start : null;
        },
      });
    },
  };
}
