import { memo, useRef } from 'react';
import { isChanged } from '../../../lib/editors.js';
import { listingInWords } from '../../../lib/outcome.js';
import { linkable } from '../../../lib/posting.js';
import { filtersInShort } from '../../../lib/terms.js';
import FilterEditor from './FilterEditor.js';
import './CompanyRow.css';

/** @typedef {import('../../../api/companies.js').Company} Company */

/**
 * A company of the list.
 * @param {{company: Company, editor?: import('../../../lib/editors.js').Editor,
 *   actions: {enable: (company: Company, enabled: boolean) => void, remove: (company: Company) => void,
 *     edit: (company: Company) => void}}} props
 */
function CompanyRow({ company, editor, actions }) {
  const edit = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const { name, enabled } = company;
  return (
    <li className="cw-row" id={`company-${company.company_id}`} tabIndex={-1}>
      <div className="cw-what">
        <p>
          <strong className="cw-name" dir="auto">
            {name}
          </strong>{' '}
          <Board company={company} />
          {editor && isChanged(editor) && <span className="cw-unsaved">not saved</span>}
        </p>
        <p className="cw-small">{filtersInShort(company)}</p>
        <LastListing listing={company.listing} />
      </div>
      <div className="cw-actions">
        <label className="cw-enabled">
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
function Board({ company: { source_name: system, board, url } }) {
  const address = linkable(url);
  return (
    <span className="quiet">
      {system},{' '}
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
  const last = listingInWords(listing);
  return (
    last && (
      <p className={last.failed ? 'cw-small cw-failed' : 'cw-small quiet'}>
        {last.failed && <strong>Failed: </strong>}
        {last.text}
      </p>
    )
  );
}
