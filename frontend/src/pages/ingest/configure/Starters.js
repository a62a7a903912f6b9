import { useEffect, useRef, useState } from 'react';
import { useImportCompanies } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import { keyOf } from '../../../lib/companyFile.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { faultLines } from '../../../lib/fieldErrors.js';
import { amount } from '../../../lib/format.js';
import './Starters.css';

const tickedOf = (drafts) => drafts.ticked;

/**
 * Well-known boards to begin with, without those that are in the list already.
 * @param {{starters: import('../../../api/sources.js').Starter[],
 *   sources: import('../../../api/sources.js').Source[],
 *   companies: import('../../../api/companies.js').Company[], open: boolean}} props
 */
export default function Starters({ starters, sources, companies, open }) {
  const ticked = useDrafts(tickedOf);
  const { change } = useDraftStore();
  const [said, setSaid] = useState('');
  const details = useRef(/** @type {HTMLDetailsElement | null} */ (null));
  // Only how it begins: from then on it is opened and closed by hand, until the list is empty again.
  const [initially] = useState(open || ticked.length > 0);
  useEffect(() => {
    if (open && details.current) {
      details.current.open = true;
    }
  }, [open]);
  const tick = (keys) => change((drafts) => ({ ...drafts, ticked: keys }));
  const add = useImportCompanies(({ added }) => {
    tick([]);
    setSaid(`${amount(added, 'company', 'companies')} added.`);
  });
  const known = new Set(companies.map(keyOf));
  const offered = starters.filter((starter) => !known.has(keyOf(starter)));
  const chosen = offered.filter((starter) => ticked.includes(keyOf(starter)));
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault();
    if (chosen.length > 0 && !add.isPending) {
      setSaid('');
      add.mutate(chosen.map(({ source, board, name }) => ({ source, board, name })));
    }
  }
  return (
    <details className="panel" open={initially} ref={details}>
      <summary className="sl-title">Well-known companies to begin with</summary>
      <form className="sl-form" onSubmit={submit}>
        {add.error && (
          <Banner tone="danger" role="alert" onDismiss={add.reset}>
            They were not added. {add.error.message} {faultLines(add.error.problem.errors).join(' ')}
          </Banner>
        )}
        <fieldset className="sl-choice">
          <legend className="sr-only">Companies</legend>
          {offered.map((starter) => (
            <label key={keyOf(starter)} className="sl-starter">
              <input
                type="checkbox"
                checked={ticked.includes(keyOf(starter))}
                onChange={({ target }) =>
                  tick(
                    target.checked
                      ? [...ticked, keyOf(starter)]
                      : ticked.filter((key) => key !== keyOf(starter)),
                  )
                }
              />
              <span>
                <bdi>{starter.name}</bdi> <span className="quiet">{systemOf(starter, sources)}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {offered.length === 0 && <p className="quiet">All of them are in your list.</p>}
        <div className="sl-actions">
          {offered.length > 0 && (
            <button
              type="submit"
              className="button button--primary"
              aria-disabled={chosen.length === 0 || add.isPending}
            >
              {add.isPending ? 'Adding …' : `Add ${amount(chosen.length, 'company', 'companies')}`}
            </button>
          )}
          <span role="status">{said}</span>
        </div>
      </form>
    </details>
  );
}

/** The name of a starter's system. */
function systemOf({ source }, sources) {
  return sources.find(({ key }) => key === source)?.name ?? source;
}
