import { useLayoutEffect, useRef, useState } from 'react';
import ConfirmDialog from '../../components/ConfirmDialog.js';
import { focusHeading } from '../../lib/focusHeading.js';

/**
 * Abort, with a question before it. It keeps the focus while the request is under way.
 * @param {{runId: string, abort: {isPending: boolean, mutate: () => void}}} props
 */
export default function AbortButton({ runId, abort }) {
  const [asking, setAsking] = useState(false);
  const group = useRef(/** @type {HTMLSpanElement | null} */ (null));
  useLayoutEffect(() => {
    const shown = group.current;
    return () => {
      // The button goes when the run ends. Had it, or its question, the focus, then the heading gets it.
      if (shown?.contains(document.activeElement)) {
        focusHeading();
      }
    };
  }, []);
  function confirm() {
    setAsking(false);
    abort.mutate();
  }
  return (
    <span ref={group}>
      <button
        type="button"
        className="button button--danger"
        aria-disabled={abort.isPending}
        onClick={() => !abort.isPending && setAsking(true)}
      >
        {abort.isPending ? 'Aborting …' : 'Abort'}
      </button>
      {asking && (
        <ConfirmDialog
          title={`Abort run ${runId}?`}
          confirm="Abort run"
          cancel="Keep running"
          onConfirm={confirm}
          onCancel={() => setAsking(false)}
        >
          The run ends at once and cannot be resumed. What was taken in until then is kept.
        </ConfirmDialog>
      )}
    </span>
  );
}
