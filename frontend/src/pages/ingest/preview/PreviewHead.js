import { amount, formatCount, formatMoment } from '../../../lib/format.js';
import './PreviewHead.css';

/**
 * The totals, how far it has come, and Refresh.
 * @param {{preview: import('../../../api/previews.js').Preview, isMaking: boolean, onRefresh: () => void}} props
 */
export default function PreviewHead({ preview, isMaking, onRefresh }) {
  const { totals, is_finished: isFinished, finished_at: finishedAt } = preview;
  const done = totals.listed + totals.failed;
  return (
    <section className="panel ph-head" aria-label="Totals">
      <div className="ph-totals">
        <p className="ph-sum">
          <strong>{formatCount(totals.taken)}</strong> of {amount(totals.found, 'posting')} of{' '}
          {amount(totals.companies, 'company', 'companies')}
        </p>
        <p role="status" className="quiet">
          {isFinished ? 'Finished' : 'Listing'}
          {totals.failed > 0 && `, ${formatCount(totals.failed)} failed`}
          {isFinished && finishedAt && `, ${formatMoment(finishedAt)}`}
        </p>
        {!isFinished && (
          <label className="ph-progress">
            <span>
              {formatCount(done)} of {amount(totals.companies, 'company', 'companies')} listed
            </span>
            <progress max={totals.companies || 1} value={done} />
          </label>
        )}
      </div>
      <button type="button" className="button" aria-disabled={isMaking || !isFinished} onClick={refresh}>
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
