import { Fragment, memo, useState } from 'react';
import { postingFacts, safeLink } from '../../../lib/posting.js';
import { ruleMessage } from '../../../messages/previews.js';
import PostingText from './PostingText.js';
import './PostingRow.css';

/**
 * One posting: its title, its facts, the rule that matched it or left it out, and its description on demand.
 * @param {{previewId: number, posting: import('../../../api/previews.js').Posting, isAcrossCompanies: boolean}} props
 */
function PostingRow({ previewId, posting, isAcrossCompanies }) {
  const [isOpen, setIsOpen] = useState(false);
  const { title, url, matched } = posting;
  const address = safeLink(url);
  const facts = postingFacts(posting);
  const rule = ruleMessage(posting);
  return (
    <li className="pr-row">
      <div className="pr-about">
        <p>
          {address ? (
            <a href={address} target="_blank" rel="noreferrer noopener" dir="auto">
              {title}
            </a>
          ) : (
            <bdi>{title}</bdi>
          )}
          {isAcrossCompanies && (
            <span className="quiet">
              {' '}
              · <bdi>{posting.company}</bdi>
            </span>
          )}
        </p>
        <p className="quiet pr-facts">
          {isAcrossCompanies && (
            <span className={`pr-mark pr-mark--${matched ? 'match' : 'left'}`}>
              {matched ? 'Match' : 'Left out'}
            </span>
          )}
          {facts.length > 0 && <Facts facts={facts} />}
          {rule && <span className="pr-rule">{rule}</span>}
        </p>
      </div>
      <button
        type="button"
        className="button pr-open"
        aria-expanded={isOpen}
        aria-label={`Description of ${title}`}
        onClick={() => setIsOpen(!isOpen)}
      >
        Description
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
        // biome-ignore lint/suspicious/noArrayIndexKey: facts may repeat, and the list never changes
        <Fragment key={index}>
          {index > 0 && ' · '}
          <bdi>{fact}</bdi>
        </Fragment>
      ))}
    </span>
  );
}
