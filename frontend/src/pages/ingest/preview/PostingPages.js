import Banner from '../../../components/Banner.js';
import { amount } from '../../../lib/format.js';
import PostingRow from './PostingRow.js';
import './PostingPages.css';

/**
 * Postings, and more of them when asked for.
 * @param {{previewId: number, pages: ReturnType<typeof import('../../../api/previews.js').usePostings>,
 *   empty: string, isAcross?: boolean}} props whether they are of many companies, so that each names its own
 */
export default function PostingPages({ previewId, pages, empty, isAcross = false }) {
  const { postings, isOld, more, isLoading, error, again } = pages;
  return (
    <div className="pp-pages" aria-busy={isOld}>
      <div role="status" className="pp-news">
        {!postings && !error && <p className="quiet">Loading …</p>}
        {postings?.length === 0 && !isOld && <p>{empty}</p>}
        {isAcross && postings && postings.length > 0 && (
          <p className="quiet">
            {isOld ? 'Searching …' : `${more ? 'The first ' : ''}${amount(postings.length, 'posting')}`}
          </p>
        )}
        {error && (
          <Banner tone="warning">
            <p>The postings could not be loaded. {error.message}</p>
            <button type="button" className="button" onClick={() => again()}>
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
              isAcross={isAcross}
            />
          ))}
        </ul>
      )}
      {more && (
        <button
          type="button"
          className="button pp-more"
          aria-disabled={isLoading}
          onClick={() => !isLoading && more()}
        >
          {isLoading ? 'Loading …' : 'Show more'}
        </button>
      )}
    </div>
  );
}
