import { usePostings } from '../../../api/previews.js';
import { amount } from '../../../lib/format.js';
import PostingPages from './PostingPages.js';
import './FoundPostings.css';

/**
 * The postings of all companies that a search finds, those that are left out too.
 * @param {{preview: import('../../../api/previews.js').Preview, search: string}} props
 */
export default function FoundPostings({ preview, search }) {
  const { preview_id: previewId, is_finished: isFinished, totals } = preview;
  const pages = usePostings(previewId, { search }, isFinished);
  return (
    <section className="panel fp-section" aria-labelledby="fp-title">
      <h2 id="fp-title">Postings that match</h2>
      {!isFinished && (
        <p className="quiet">
          {amount(totals.companies - totals.listed - totals.failed, 'company', 'companies')} still to be
          listed: there may be more.
        </p>
      )}
      <PostingPages previewId={previewId} pages={pages} empty="No posting matches." isAcross />
    </section>
  );
}
