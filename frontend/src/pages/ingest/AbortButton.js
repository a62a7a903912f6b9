import { useEffect, useState } from 'react';
import ConfirmDialog from '../../components/ConfirmDialog.js';

/**
 * Abort, with a question before it. It keeps the focus while the request is under way.
 * @param {{runId: string, abort: {isPending: boolean, mutate: () => void}}} props
 */
export default function AbortButton({ runId, abort }) {
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    return () => {
      // The button goes when the run ends; if it took the focus with it, the heading gets it.
      requestAnimationFrame(() => {
        if (document.activeElement === document.body) {
          /** @type {HTMLElement | null} */ (document.querySelector('main h1'))?.focus();
        }
      });
    };
  }, []);
  function confirm() {
    setAsking(false);
    abort.mutate();
  }
  return (
    <>
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
    </>
  );
}
