import { useEffect, useRef, useState } from 'react';
import { useImportCompanies } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import { companyKey } from '../../../lib/companyFile.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { errorLines } from '../../../lib/fieldErrors.js';
import { amount } from '../../../lib/format.js';
import { addMessages, companyChanges } from '../../../messages/companies.js';
import { changeError } from '../../../messages/errors.js';
import './SuggestedCompanies.css';

const selectTicked = (drafts) => drafts.ticked;

/**
 * Well-known companies to start with, without those already in the list.
 * @param {{suggestions: import('../../../api/sources.js').SuggestedCompany[],
 *   sources: import('../../../api/sources.js').Source[],
 *   companies: import('../../../api/companies.js').Company[], open: boolean}} props
 */
export default function SuggestedCompanies({ suggestions, sources, companies, open }) {
  const ticked = useDrafts(selectTicked);
  const { update } = useDraftStore();
  const [message, setMessage] = useState('');
  const details = useRef(/** @type {HTMLDetailsElement | null} */ (null));
  // Only the initial state: afterwards the user opens and closes it, until the list is empty again.
  const [initiallyOpen] = useState(open || ticked.length > 0);
  useEffect(() => {
    if (open && details.current) {
      details.current.open = true;
    }
  }, [open]);
  const setTicked = (keys) => update((drafts) => ({ ...drafts, ticked: keys }));
  const add = useImportCompanies(({ added }) => {
    setTicked([]);
    setMessage(addMessages.addedCount(added));
  });
  const known = new Set(companies.map(companyKey));
  const offered = suggestions.filter((company) => !known.has(companyKey(company)));
  const chosen = offered.filter((company) => ticked.includes(companyKey(company)));
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault();
    if (chosen.length > 0 && !add.isPending) {
      setMessage('');
      add.mutate(chosen.map(({ source, board, name }) => ({ source, board, name })));
    }
  }
  return (
    <details className="panel" open={initiallyOpen} ref={details}>
      <summary className="sc-title">Suggested companies</summary>
      <form className="sc-form" onSubmit={submit}>
        {add.error && (
          <Banner tone="danger" role="alert" onDismiss={add.reset}>
            {changeError(companyChanges.addMany, add.error)} {errorLines(add.error.problem.errors).join(' ')}
          </Banner>
        )}
        <fieldset className="sc-choice">
          <legend className="sr-only">Companies</legend>
          {offered.map((company) => (
            <label key={companyKey(company)} className="sc-company">
              <input
                type="checkbox"
                checked={ticked.includes(companyKey(company))}
                onChange={({ target }) =>
                  setTicked(
                    target.checked
                      ? [...ticked, companyKey(company)]
                      : ticked.filter((key) => key !== companyKey(company)),
                  )
                }
              />
              <span>
                <bdi>{company.name}</bdi> <span className="quiet">{sourceName(company, sources)}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {offered.length === 0 && <p className="quiet">{addMessages.allSuggestedAdded}</p>}
        <div className="sc-actions">
          {offered.length > 0 && (
            <button
              type="submit"
              className="button button--primary"
              aria-disabled={chosen.length === 0 || add.isPending}
            >
              {add.isPending ? 'Adding …' : addLabel(chosen.length)}
            </button>
          )}
          <span role="status">{message}</span>
        </div>
      </form>
    </details>
  );
}

function addLabel(count) {
  return count > 0 ? `Add ${amount(count, 'company', 'companies')}` : 'Add companies';
}

/** The name of a suggested company's source. */
function sourceName({ source }, sources) {
  const { name = source, is_on: isOn = true } = sources.find(({ key }) => key === source) ?? {};
  return isOn ? name : addMessages.switchedOff(name);
}
