import Banner from '../../../components/Banner.js';
import { failureReason } from '../../../messages/errors.js';
import { postingMessages } from '../../../messages/previews.js';
import PostingRow from './PostingRow.js';
import './PostingPages.css';

/**
 * A list of postings with a button for the next page.
 * @param {{previewId: number, pages: ReturnType<typeof import('../../../api/previews.js').usePostings>,
 *   empty: string, isAcrossCompanies?: boolean}} props with `isAcrossCompanies`, each posting names its company
 */
export default function PostingPages({ previewId, pages, empty, isAcrossCompanies = false }) {
  const { postings, isStale, fetchMore, isLoading, error, retry } = pages;
  return (
    <div className="pp-pages" aria-busy={isStale}>
      <div role="status" className="pp-alerts">
        {!postings && !error && <p className="quiet">Loading …</p>}
        {postings?.length === 0 && !isStale && <p>{empty}</p>}
        {isAcrossCompanies && postings && postings.length > 0 && (
          <p className="quiet">
            {isStale
              ? postingMessages.searching
              : postingMessages.resultCount(postings.length, fetchMore !== null)}
          </p>
        )}
        {error && (
          <Banner tone="warning">
            <p>
              {postingMessages.notLoaded} {failureReason(error)}
            </p>
            <button type="button" className="button" onClick={() => retry()}>
              Try again
            </button>
          </Banner>
        )}
      </div>
      {postings && postings.length > 0 && (
        <ul className="pp-list">
          {postings.map((posting) => (
            <PostingRow
              key={posting.posting_id}
              previewId={previewId}
              posting={posting}
              isAcrossCompanies={isAcrossCompanies}
            />
          ))}
        </ul>
      )}
      {fetchMore && (
        <button
          type="button"
          className="button pp-more"
          aria-disabled={isLoading}
          onClick={() => !isLoading && fetchMore()}
        >
          {isLoading ? 'Loading …' : 'Show more'}
        </button>
      )}
    </div>
  );
}
