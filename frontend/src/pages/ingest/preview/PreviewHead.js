import { useId } from 'react';
import { formatCount, formatMoment } from '../../../lib/format.js';
import { previewMessages } from '../../../messages/previews.js';
import './PreviewHead.css';

/**
 * The totals of a preview, its progress, and the Refresh button.
 * @param {{preview: import('../../../api/previews.js').Preview, isCreating: boolean, onRefresh: () => void}} props
 */
export default function PreviewHead({ preview, isCreating, onRefresh }) {
  const { totals, is_finished: isFinished, finished_at: finishedAt } = preview;
  const id = useId();
  const done = totals.listed + totals.failed;
  return (
    <section className="panel ph-head" aria-label="Totals">
      <div className="ph-totals">
        <p className="ph-sum">
          <strong>{formatCount(totals.matched)}</strong> {previewMessages.totals(totals)}
        </p>
        <p role="status" className="quiet">
          {isFinished ? 'Finished' : 'Reading boards'}
          {totals.failed > 0 && `, ${formatCount(totals.failed)} not read`}
          {isFinished && finishedAt && `, ${formatMoment(finishedAt)}`}
        </p>
        {!isFinished && (
          <label className="ph-progress">
            <span>{previewMessages.progress(done, totals.companies)}</span>
            <progress max={totals.companies || 1} value={done} />
          </label>
        )}
      </div>
      <div className="ph-refresh">
        <button
          type="button"
          className="button"
          aria-disabled={isCreating || !isFinished}
          aria-describedby={id}
          onClick={refresh}
        >
          Refresh
        </button>
        <p id={id} className="quiet">
          {previewMessages.refreshHint}
        </p>
      </div>
    </section>
  );
  function refresh() {
    if (isFinished) {
      onRefresh();
    }
  }
}
