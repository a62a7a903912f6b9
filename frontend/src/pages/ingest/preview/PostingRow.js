import { Fragment, memo, useState } from 'react';
import { factsOf, linkable, ruleInWords } from '../../../lib/posting.js';
import PostingText from './PostingText.js';
import './PostingRow.css';

/**
 * A posting: its title, what is known of it, why it is taken or left out, and its text on demand.
 * @param {{previewId: number, posting: import('../../../api/previews.js').Posting, isAcross: boolean}} props
 */
function PostingRow({ previewId, posting, isAcross }) {
  const [isOpen, setIsOpen] = useState(false);
  const { title, url, taken } = posting;
  const address = linkable(url);
  const facts = factsOf(posting);
  const rule = ruleInWords(posting);
  return (
    <li className="po-row">
      <div className="po-what">
        <p>
          {address ? (
            <a href={address} target="_blank" rel="noreferrer noopener" dir="auto">
              {title}
            </a>
          ) : (
            <bdi>{title}</bdi>
          )}
          {isAcross && (
            <span className="quiet">
              {' '}
              · <bdi>{posting.company}</bdi>
            </span>
          )}
        </p>
        <p className="quiet po-facts">
          {isAcross && (
            <span className={`po-mark po-mark--${taken ? 'taken' : 'left'}`}>
              {taken ? 'Taken' : 'Left out'}
            </span>
          )}
          {facts.length > 0 && <Facts facts={facts} />}
          {rule && <span className="po-rule">{rule}</span>}
        </p>
      </div>
      <button
        type="button"
        className="button po-open"
        aria-expanded={isOpen}
        aria-label={`Text of ${title}`}
        onClick={() => setIsOpen(!isOpen)}
      >
        Text
      </button>
      {isOpen && <PostingText previewId={previewId} postingId={posting.posting_id} />}
    </li>
  );
}

export default memo(PostingRow);

/** @param {{facts: string[]}} props */
function Facts({ facts }) {
  return (
    <span>
      {facts.map((fact, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: facts may be alike, and the list never changes
        <Fragment key={index}>
          {index > 0 && ' · '}
          <bdi>{fact}</bdi>
        </Fragment>
      ))}
    </span>
  );
}
