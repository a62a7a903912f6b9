import { useLayoutEffect, useRef, useState } from 'react';
import ConfirmDialog from '../../components/ConfirmDialog.js';
import { focusHeading } from '../../lib/focusHeading.js';
import { runMessages } from '../../messages/runs.js';

/**
 * The Abort button and its confirmation. It keeps the focus while the request is pending.
 * @param {{runId: string, abort: {isPending: boolean, mutate: () => void}}} props
 */
export default function AbortButton({ runId, abort }) {
  const [asking, setAsking] = useState(false);
  const group = useRef(/** @type {HTMLSpanElement | null} */ (null));
  useLayoutEffect(() => {
    const node = group.current;
    return () => {
      // The button is removed when the run ends. If it or its dialog has the focus, move the focus to the heading.
      if (node?.contains(document.activeElement)) {
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
          title={runMessages.abortTitle(runId)}
          confirm={runMessages.abortConfirm}
          cancel={runMessages.abortCancel}
          onConfirm={confirm}
          onCancel={() => setAsking(false)}
        >
          {runMessages.abortText}
        </ConfirmDialog>
      )}
    </span>
  );
}
