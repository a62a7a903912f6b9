import { formatCount, formatMoment } from '../../../lib/format.js';
import { previewMessages } from '../../../messages/previews.js';
import './PreviewHead.css';

/**
 * The totals of a preview, its progress, and the Refresh button.
 * @param {{preview: import('../../../api/previews.js').Preview, isCreating: boolean, onRefresh: () => void}} props
 */
export default function PreviewHead({ preview, isCreating, onRefresh }) {
  const { totals, is_finished: isFinished, finished_at: finishedAt } = preview;
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
      <button type="button" className="button" aria-disabled={isCreating || !isFinished} onClick={refresh}>
        Refresh
      </button>
    </section>
  );
  function refresh() {
    if (isFinished) {
      onRefresh();
    }
  }
}
