import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { useRemoveCompany, useUpdateCompany } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { withEditor, withRemoved } from '../../../lib/drafts.js';
import { openEditor } from '../../../lib/editors.js';
import { focusHeading } from '../../../lib/focusHeading.js';
import { searchCompanies, sortByName } from '../../../lib/search.js';
import { changedElsewhereMessage, companyChanges, listMessages } from '../../../messages/companies.js';
import { changeError } from '../../../messages/errors.js';
import CompanyRow from './CompanyRow.js';
import RemovedBar from './RemovedBar.js';
import './CompanyList.css';

/** @typedef {import('../../../api/companies.js').Company} Company */

const selectEditors = (drafts) => drafts.editors;

/**
 * The user's companies, with a search and the actions on each.
 * @param {{companies: Company[], sources: import('../../../api/sources.js').Source[]}} props
 */
export default function CompanyList({ companies, sources }) {
  const [search, setSearch] = useState('');
  const deferredSearch = useDeferredValue(search);
  const shown = useMemo(
    () => sortByName(searchCompanies(companies, deferredSearch)),
    [companies, deferredSearch],
  );
  const editors = useDrafts(selectEditors);
  const { actions, problem, dismiss } = useCompanyActions();
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const [toFocus, setToFocus] = useState(/** @type {number | undefined} */ (undefined));
  useEffect(() => {
    const row = toFocus && shown && document.getElementById(`company-${toFocus}`);
    if (row) {
      row.focus();
      setToFocus(undefined);
    }
  }, [toFocus, shown]);
  /** @param {number} [companyId] the company to focus as soon as it is in the list */
  function moveFocus(companyId) {
    if (heading.current) {
      heading.current.focus();
    } else {
      focusHeading();
    }
    setToFocus(companyId);
  }
  /** @param {string} words */
  function searchFor(words) {
    setToFocus(undefined);
    setSearch(words);
  }
  const switchedOff = sources.filter(({ is_on: isOn }) => !isOn).map(({ key }) => key);
  const enabledCount = companies.filter(({ enabled }) => enabled).length;
  return (
    <>
      <RemovedBar onDone={moveFocus} />
      {problem && (
        <Banner tone="danger" role="alert" onDismiss={dismiss}>
          {problem}
        </Banner>
      )}
      {companies.length > 0 && (
        <section className="panel cl-section" aria-labelledby="cl-title">
          <div className="cl-head">
            <h2 id="cl-title" className="cl-title" ref={heading} tabIndex={-1}>
              Your companies
            </h2>
            <label className="cl-search">
              <span>Search</span>
              <input
                type="search"
                placeholder={listMessages.searchHint}
                value={search}
                onChange={({ target }) => searchFor(target.value)}
              />
            </label>
          </div>
          <p role="status" className="quiet">
            {listMessages.counts(shown.length, companies.length, enabledCount, deferredSearch.trim() !== '')}
          </p>
          {shown.length === 0 && <p>{listMessages.noMatch}</p>}
          <ul className="cl-list">
            {shown.map((company) => (
              <CompanyRow
                key={company.company_id}
                company={company}
                editor={editors[company.company_id]}
                isSwitchedOff={switchedOff.includes(company.source)}
                actions={actions}
              />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** The actions of all rows, in one object that never changes, so that memoized rows are not rendered again. */
function useCompanyActions() {
  const { update: updateDrafts, get } = useDraftStore();
  const {
    mutate: updateCompany,
    error: updateError,
    variables: change,
    reset: resetUpdate,
  } = useUpdateCompany();
  const {
    mutate: removeCompany,
    error: removalError,
    variables: notRemoved,
    reset: resetRemoval,
  } = useRemoveCompany((company) => updateDrafts((drafts) => withRemoved(drafts, company)));
  const actions = useMemo(
    () => ({
      /** @param {Company} company @param {boolean} enabled */
      enable: ({ company_id: id, name }, enabled) => updateCompany({ id, name, changes: { enabled } }),
      remove: removeCompany,
      /** @param {Company} company */
      edit: (company) => {
        const { company_id: id } = company;
        if (!get().editors[id]) {
          updateDrafts((drafts) => withEditor(drafts, id, openEditor(company)));
        }
      },
    }),
    [updateDrafts, get, updateCompany, removeCompany],
  );
  const { company } = updateError?.problem ?? {};
  const problem = company
    ? `${changedElsewhereMessage(company)} ${listMessages.notSwitched}`
    : updateError
      ? changeError(companyChanges.enable(change?.name ?? ''), updateError)
      : removalError && changeError(companyChanges.remove(notRemoved?.name ?? ''), removalError);
  const dismiss = () => {
    resetUpdate();
    resetRemoval();
  };
  return { actions, problem, dismiss };
}
