import { memo, useId, useState } from 'react';
import { safeLink } from '../../../lib/posting.js';
import { listingFailure } from '../../../messages/boards.js';
import { filterSummary } from '../../../messages/companies.js';
import { companyState, listingGaps } from '../../../messages/previews.js';
import CardPostings from './CardPostings.js';
import './CompanyCard.css';

/** @typedef {import('../../../api/previews.js').PreviewCompany} PreviewCompany */

/**
 * One company of a preview. Its postings are loaded when the card is opened.
 * @param {{previewId: number, company: PreviewCompany}} props
 */
function CompanyCard({ previewId, company }) {
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  const { state, found } = company;
  const canOpen = state === 'listed' && found !== 0;
  return (
    <li className={`cc-card cc-card--${state}`}>
      <h3 className="cc-head">
        {canOpen ? (
          <button
            type="button"
            className="cc-open"
            aria-expanded={isOpen}
            aria-controls={isOpen ? id : undefined}
            onClick={() => setIsOpen(!isOpen)}
          >
            <Title company={company} />
          </button>
        ) : (
          <span className="cc-closed">
            <Title company={company} />
          </span>
        )}
      </h3>
      <ListingProblem company={company} />
      {isOpen && canOpen && (
        <div id={id} className="cc-inside">
          <BoardLine company={company} />
          <CardPostings previewId={previewId} company={company} />
        </div>
      )}
      {!canOpen && state === 'failed' && <BoardLine company={company} />}
    </li>
  );
}

export default memo(CompanyCard);

/** @param {{company: PreviewCompany}} props */
function Title({ company }) {
  const { name, source_name: source, state } = company;
  return (
    <>
      <span>
        <span className="cc-name" dir="auto">
          {name}
        </span>{' '}
        <span className="quiet cc-source">{source}</span>
      </span>
      <span className={`cc-state cc-state--${state}`}>{companyState(company)}</span>
    </>
  );
}

/** The reason of a failure with advice, or the gaps of a listing. @param {{company: PreviewCompany}} props */
function ListingProblem({ company }) {
  const gaps = listingGaps(company);
  if (company.state === 'failed') {
    const { reason, advice } = listingFailure(company);
    return (
      <p className="cc-problem">
        {reason} {advice}
      </p>
    );
  }
  return gaps && <p className="cc-problem">{gaps}</p>;
}

/** The board and the filters. @param {{company: PreviewCompany}} props */
function BoardLine({ company }) {
  const address = safeLink(company.url);
  return (
    <p className="quiet cc-board">
      Board{' '}
      {address ? (
        <a href={address} target="_blank" rel="noreferrer" dir="auto">
          {company.board}
        </a>
      ) : (
        <bdi>{company.board}</bdi>
      )}
      . {filterSummary(company)}
    </p>
  );
}
