import { useState } from 'react';
import { usePostings } from '../../../api/previews.js';
import { amount } from '../../../lib/format.js';
import PostingPages from './PostingPages.js';
import './CardPostings.css';

/** @typedef {import('../../../api/previews.js').PreviewCompany} PreviewCompany */

/**
 * The postings of one company: those that are taken, and behind a click those that are left out.
 * @param {{previewId: number, company: PreviewCompany}} props
 */
export default function CardPostings({ previewId, company }) {
  const [isOpen, setIsOpen] = useState(false);
  const { taken, found } = company;
  const left = (found ?? 0) - (taken ?? 0);
  return (
    <div className="ca-postings">
      {taken ? (
        <Some previewId={previewId} company={company} taken />
      ) : (
        <p>Every posting is left out by the filters.</p>
      )}
      {left > 0 && (
        <button type="button" className="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? 'Hide' : 'Show'} {amount(left, 'posting')} left out
        </button>
      )}
      {isOpen && left > 0 && <Some previewId={previewId} company={company} taken={false} />}
    </div>
  );
}

/** @param {{previewId: number, company: PreviewCompany, taken: boolean}} props */
function Some({ previewId, company, taken }) {
  // What a company has does not change any more once it is listed.
  const pages = usePostings(previewId, { company: company.position, taken }, true);
  return <PostingPages previewId={previewId} pages={pages} empty="None." />;
}
