import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { useChangeCompany, useRemoveCompany } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { withEditor, withRemoved } from '../../../lib/drafts.js';
import { editorOf } from '../../../lib/editors.js';
import { focusHeading } from '../../../lib/focusHeading.js';
import { amount, formatCount, isolated } from '../../../lib/format.js';
import { byName, matching } from '../../../lib/searching.js';
import { changedElsewhere } from '../../../lib/terms.js';
import { unconfirmed } from '../../../lib/trouble.js';
import CompanyRow from './CompanyRow.js';
import RemovedBar from './RemovedBar.js';
import './CompanyList.css';

/** @typedef {import('../../../api/companies.js').Company} Company */

const editorsOf = (drafts) => drafts.editors;

/**
 * One's companies, with a search and what can be done to each.
 * @param {{companies: Company[]}} props
 */
export default function CompanyList({ companies }) {
  const [search, setSearch] = useState('');
  const sought = useDeferredValue(search);
  const shown = useMemo(() => byName(matching(companies, sought)), [companies, sought]);
  const editors = useDrafts(editorsOf);
  const { actions, problem, dismiss } = useActions();
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const [awaited, setAwaited] = useState(/** @type {number | undefined} */ (undefined));
  useEffect(() => {
    const row = awaited && shown && document.getElementById(`company-${awaited}`);
    if (row) {
      row.focus();
      setAwaited(undefined);
    }
  }, [awaited, shown]);
  /** @param {number} [companyId] the company that gets the focus when it is in the list */
  function focusOn(companyId) {
    if (heading.current) {
      heading.current.focus();
    } else {
      focusHeading();
    }
    setAwaited(companyId);
  }
  /** @param {string} words */
  function seek(words) {
    setAwaited(undefined);
    setSearch(words);
  }
  return (
    <>
      <RemovedBar onBack={focusOn} />
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
                placeholder="Name, board or system"
                value={search}
                onChange={({ target }) => seek(target.value)}
              />
            </label>
          </div>
          <p role="status" className="quiet">
            {sought.trim()
              ? `${formatCount(shown.length)} of ${amount(companies.length, 'company', 'companies')}`
              : amount(companies.length, 'company', 'companies')}
            {companies.length > 0 &&
              `, ${formatCount(companies.filter(({ enabled }) => enabled).length)} enabled`}
          </p>
          {shown.length === 0 && <p>No company matches.</p>}
          <ul className="cl-list">
            {shown.map((company) => (
              <CompanyRow
                key={company.company_id}
                company={company}
                editor={editors[company.company_id]}
                actions={actions}
              />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** What a row can do; one and the same for all rows, so that a row renders for its own sake alone. */
function useActions() {
  const { change: changeDrafts, get } = useDraftStore();
  const { mutate: changeIt, error: notChanged, variables, reset: resetChange } = useChangeCompany();
  const {
    mutate: removeIt,
    error: notRemoved,
    variables: kept,
    reset: resetRemoval,
  } = useRemoveCompany((company) => changeDrafts((drafts) => withRemoved(drafts, company)));
  const actions = useMemo(
    () => ({
      /** @param {Company} company @param {boolean} enabled */
      enable: ({ company_id: id, name }, enabled) => changeIt({ id, name, changes: { enabled } }),
      remove: removeIt,
      /** @param {Company} company */
      edit: (company) => {
        const { company_id: id } = company;
        if (!get().editors[id]) {
          changeDrafts((drafts) => withEditor(drafts, id, editorOf(company)));
        }
      },
    }),
    [changeDrafts, get, changeIt, removeIt],
  );
  const { company } = notChanged?.problem ?? {};
  const problem = company
    ? `${changedElsewhere(company)} So it was not switched; you can do that now.`
    : notChanged
      ? unconfirmed(`change of ${isolated(variables?.name ?? '')}`, notChanged)
      : notRemoved && unconfirmed(`removal of ${isolated(kept?.name ?? '')}`, notRemoved);
  const dismiss = () => {
    resetChange();
    resetRemoval();
  };
  return { actions, problem, dismiss };
}
