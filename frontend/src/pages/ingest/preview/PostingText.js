import { usePosting } from '../../../api/previews.js';
import './PostingText.css';

/**
 * The text of a posting, as plain as it came.
 * @param {{previewId: number, postingId: number}} props
 */
export default function PostingText({ previewId, postingId }) {
  const { posting, error, again } = usePosting(previewId, postingId);
  const { description, requirements } = posting ?? {};
  return (
    <div className="pt-text">
      <div role="status" className="pt-news">
        {!posting && !error && <p className="quiet">Loading …</p>}
        {error && (
          <p>
            The text could not be loaded. {error.message}{' '}
            <button type="button" className="button" onClick={() => again()}>
              Try again
            </button>
          </p>
        )}
        {posting && !description && !requirements && (
          <p className="quiet">The board gives no text with this posting.</p>
        )}
      </div>
      {description && (
        <p className="pt-plain" dir="auto">
          {description}
        </p>
      )}
      {requirements && (
        <>
          <p>
            <strong>Requirements</strong>
          </p>
          <p className="pt-plain" dir="auto">
            {requirements}
          </p>
        </>
      )}
    </div>
  );
}
