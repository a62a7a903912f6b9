import { memo, useRef } from 'react';
import { isChanged } from '../../../lib/editors.js';
import { safeLink } from '../../../lib/posting.js';
import { lastListing, switchedOffMessage } from '../../../messages/boards.js';
import { filterSummary } from '../../../messages/companies.js';
import FilterEditor from './FilterEditor.js';
import './CompanyRow.css';

/** @typedef {import('../../../api/companies.js').Company} Company */

/**
 * One company in the list.
 * @param {{company: Company, editor?: import('../../../lib/editors.js').Editor,
 *   isSwitchedOff: boolean,
 *   actions: {enable: (company: Company, enabled: boolean) => void, remove: (company: Company) => void,
 *     edit: (company: Company) => void}}} props
 */
function CompanyRow({ company, editor, isSwitchedOff, actions }) {
  const edit = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const { name, enabled } = company;
  return (
    <li className="cr-row" id={`company-${company.company_id}`} tabIndex={-1}>
      <div className="cr-about">
        <p>
          <strong className="cr-name" dir="auto">
            {name}
          </strong>{' '}
          <BoardLink company={company} />
          {editor && isChanged(editor) && <span className="cr-unsaved">not saved</span>}
        </p>
        <p className="cr-small">{filterSummary(company)}</p>
        {isSwitchedOff && <p className="cr-small cr-off">{switchedOffMessage(company.source_name)}</p>}
        <LastListing listing={company.listing} />
      </div>
      <div className="cr-actions">
        <label className="cr-enabled">
          <input
            type="checkbox"
            checked={enabled}
            onChange={({ target }) => actions.enable(company, target.checked)}
          />
          Enabled
          <span className="sr-only">
            : <bdi>{name}</bdi>
          </span>
        </label>
        <button
          type="button"
          className="button"
          aria-label={`Edit filters of ${name}`}
          aria-expanded={Boolean(editor)}
          ref={edit}
          onClick={() => actions.edit(company)}
        >
          Edit filters
        </button>
        <button
          type="button"
          className="button"
          aria-label={`Remove ${name}`}
          onClick={() => actions.remove(company)}
        >
          Remove
        </button>
      </div>
      {editor && <FilterEditor company={company} editor={editor} onClosed={() => edit.current?.focus()} />}
    </li>
  );
}

export default memo(CompanyRow);

/** @param {{company: Company}} props */
function BoardLink({ company: { source_name: source, board, url } }) {
  const address = safeLink(url);
  return (
    <span className="quiet">
      {source},{' '}
      {address ? (
        <a href={address} target="_blank" rel="noreferrer" dir="auto">
          {board}
        </a>
      ) : (
        <bdi>{board}</bdi>
      )}
    </span>
  );
}

/** @param {{listing: Company['listing']}} props */
function LastListing({ listing }) {
  const last = lastListing(listing);
  return (
    last && (
      <p className={last.failed ? 'cr-small cr-failed' : 'cr-small quiet'}>
        {last.failed && <strong>Not read: </strong>}
        {last.text}
      </p>
    )
  );
}
