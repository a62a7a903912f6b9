import { usePosting } from '../../../api/previews.js';
import { failureReason } from '../../../messages/errors.js';
import { postingMessages } from '../../../messages/previews.js';
import './PostingText.css';

/**
 * The description and requirements of a posting as plain text.
 * @param {{previewId: number, postingId: number}} props
 */
export default function PostingText({ previewId, postingId }) {
  const { posting, error, retry } = usePosting(previewId, postingId);
  const { description, requirements } = posting ?? {};
  return (
    <div className="pt-text">
      <div role="status" className="pt-alerts">
        {!posting && !error && <p className="quiet">Loading …</p>}
        {error && (
          <p>
            {postingMessages.textNotLoaded} {failureReason(error)}{' '}
            <button type="button" className="button" onClick={() => retry()}>
              Try again
            </button>
          </p>
        )}
        {posting && !description && !requirements && <p className="quiet">{postingMessages.noText}</p>}
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
