import { memo, useId, useState } from 'react';
import { formatMoment } from '../../../lib/format.js';
import { safeLink } from '../../../lib/posting.js';
import { listingFailure } from '../../../messages/boards.js';
import { filterSummary } from '../../../messages/companies.js';
import { companyState, listingNote } from '../../../messages/previews.js';
import CardPostings from './CardPostings.js';
import './CompanyCard.css';

/** @typedef {import('../../../api/previews.js').PreviewCompany} PreviewCompany */

/**
 * One company of a preview. Its postings are loaded when the card is opened.
 * @param {{previewId: number, company: PreviewCompany, age: string | null}} props `age`: that of its listing, in words, so
 *   that a card renders again only when they change
 */
function CompanyCard({ previewId, company, age }) {
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
            <Title company={company} age={age} />
          </button>
        ) : (
          <span className="cc-closed">
            <Title company={company} age={age} />
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

/** @param {{company: PreviewCompany, age: string | null}} props */
function Title({ company, age }) {
  const { name, source_name: source, state, listed_at: listedAt } = company;
  return (
    <>
      <span>
        <span className="cc-name" dir="auto">
          {name}
        </span>{' '}
        <span className="quiet cc-source">
          {source}
          {age && listedAt && (
            <>
              ,{' '}
              <time dateTime={listedAt} title={formatMoment(listedAt)}>
                {age}
              </time>
            </>
          )}
        </span>
      </span>
      <span className={`cc-state cc-state--${state}`}>{companyState(company)}</span>
    </>
  );
}

/** The reason of a failure with advice, or what a listing lacks. @param {{company: PreviewCompany}} props */
function ListingProblem({ company }) {
  const note = listingNote(company);
  if (company.state === 'failed') {
    const { reason, advice } = listingFailure(company);
    return (
      <p className="cc-problem">
        {reason} {advice}
      </p>
    );
  }
  return note && <p className="cc-problem">{note}</p>;
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
