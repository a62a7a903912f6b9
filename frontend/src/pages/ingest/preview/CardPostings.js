import { useState } from 'react';
import { usePostings } from '../../../api/previews.js';
import { amount } from '../../../lib/format.js';
import { postingMessages } from '../../../messages/previews.js';
import PostingPages from './PostingPages.js';
import './CardPostings.css';

/** @typedef {import('../../../api/previews.js').PreviewCompany} PreviewCompany */

/**
 * The postings of one company: those that match, and on demand those left out.
 * @param {{previewId: number, company: PreviewCompany}} props
 */
export default function CardPostings({ previewId, company }) {
  const [isOpen, setIsOpen] = useState(false);
  const { matched, found } = company;
  const leftOut = (found ?? 0) - (matched ?? 0);
  return (
    <div className="cp-postings">
      {matched ? (
        <PostingList previewId={previewId} company={company} matched />
      ) : (
        <p>{postingMessages.allLeftOut}</p>
      )}
      {leftOut > 0 && (
        <button type="button" className="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? 'Hide' : 'Show'} {amount(leftOut, 'posting')} left out
        </button>
      )}
      {isOpen && leftOut > 0 && <PostingList previewId={previewId} company={company} matched={false} />}
    </div>
  );
}

/** @param {{previewId: number, company: PreviewCompany, matched: boolean}} props */
function PostingList({ previewId, company, matched }) {
  // The postings of a listed company no longer change, even if the preview is unfinished.
  const pages = usePostings(previewId, { company: company.position, matched }, true);
  return <PostingPages previewId={previewId} pages={pages} empty={postingMessages.none} />;
}
