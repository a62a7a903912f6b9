import { memo, useId, useState } from 'react';
import { failure } from '../../../lib/outcome.js';
import { gapsInWords, linkable, stateInWords } from '../../../lib/posting.js';
import { filtersInShort } from '../../../lib/terms.js';
import CardPostings from './CardPostings.js';
import './CompanyCard.css';

/** @typedef {import('../../../api/previews.js').PreviewCompany} PreviewCompany */

/**
 * A company of a preview; its postings are loaded when it is opened.
 * @param {{previewId: number, company: PreviewCompany}} props
 */
function CompanyCard({ previewId, company }) {
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  const { state, found } = company;
  const canOpen = state === 'listed' && found !== 0;
  return (
    <li className={`pc-card pc-card--${state}`}>
      <h3 className="pc-head">
        {canOpen ? (
          <button
            type="button"
            className="pc-open"
            aria-expanded={isOpen}
            aria-controls={isOpen ? id : undefined}
            onClick={() => setIsOpen(!isOpen)}
          >
            <Title company={company} />
          </button>
        ) : (
          <span className="pc-shut">
            <Title company={company} />
          </span>
        )}
      </h3>
      <Why company={company} />
      {isOpen && canOpen && (
        <div id={id} className="pc-inside">
          <Where company={company} />
          <CardPostings previewId={previewId} company={company} />
        </div>
      )}
      {!canOpen && state === 'failed' && <Where company={company} />}
    </li>
  );
}

export default memo(CompanyCard);

/** @param {{company: PreviewCompany}} props */
function Title({ company }) {
  const { name, source_name: system, state } = company;
  return (
    <>
      <span>
        <span className="pc-name" dir="auto">
          {name}
        </span>{' '}
        <span className="quiet pc-system">{system}</span>
      </span>
      <span className={`pc-state pc-state--${state}`}>{stateInWords(company)}</span>
    </>
  );
}

/** Why it failed and what to do, or what is missing. @param {{company: PreviewCompany}} props */
function Why({ company }) {
  const gaps = gapsInWords(company);
  if (company.state === 'failed') {
    const { why, advice } = failure(company);
    return (
      <p className="pc-why">
        {why} {advice}
      </p>
    );
  }
  return gaps && <p className="pc-why">{gaps}</p>;
}

/** @param {{company: PreviewCompany}} props */
function Where({ company }) {
  const address = linkable(company.url);
  return (
    <p className="quiet pc-where">
      Board{' '}
      {address ? (
        <a href={address} target="_blank" rel="noreferrer" dir="auto">
          {company.board}
        </a>
      ) : (
        <bdi>{company.board}</bdi>
      )}
      . {filtersInShort(company)}
    </p>
  );
}
