import { usePostings } from '../../../api/previews.js';
import { postingMessages } from '../../../messages/previews.js';
import PostingPages from './PostingPages.js';
import './SearchResults.css';

/**
 * The postings of all companies that match a search, including those left out.
 * @param {{preview: import('../../../api/previews.js').Preview, search: string}} props
 */
export default function SearchResults({ preview, search }) {
  const { preview_id: previewId, is_finished: isFinished, totals } = preview;
  const pages = usePostings(previewId, { search }, isFinished);
  return (
    <section className="panel sr-section" aria-labelledby="sr-title">
      <h2 id="sr-title">Search results</h2>
      {!isFinished && (
        <p className="quiet">
          {postingMessages.moreExpected(totals.companies - totals.listed - totals.failed)}
        </p>
      )}
      <PostingPages
        previewId={previewId}
        pages={pages}
        empty={postingMessages.noSearchResult}
        isAcrossCompanies
      />
    </section>
  );
}
