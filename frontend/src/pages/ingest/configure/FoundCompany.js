import { useEffect, useRef } from 'react';
import { useAddCompany } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { keyOf } from '../../../lib/companyFile.js';
import { faultLines, fieldFaults } from '../../../lib/fieldErrors.js';
import { amount, isolated } from '../../../lib/format.js';
import { linkable } from '../../../lib/posting.js';
import './FoundCompany.css';

/** @typedef {import('../../../api/sources.js').Detected} Detected */

/**
 * What was found, to be looked at before it is saved.
 * @param {{found: Detected, name: string, companies: import('../../../api/companies.js').Company[],
 *   isFresh: boolean, onName: (name: string) => void, onEnd: (words: string) => void}} props
 */
export default function FoundCompany({ found, name, companies, isFresh, onName, onEnd }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const add = useAddCompany((company) => onEnd(`${isolated(company.name)} was added.`));
  useEffect(() => {
    if (isFresh) {
      heading.current?.focus();
    }
  }, [isFresh]);
  const known = companies.find((company) => keyOf(company) === keyOf(found));
  const isKnown = Boolean(known ?? found.company_id) || add.error?.code === 'company_exists';
  /** @param {import('react').FormEvent} event */
  function save(event) {
    event.preventDefault();
    if (!add.isPending) {
      const { source, board } = found;
      add.mutate({ source, board, name: name.trim(), enabled: true, include: [], exclude: [] });
    }
  }
  const { errors = {}, detail } = add.error?.problem ?? {};
  const { name: ofName, ...ofOthers } = errors;
  return (
    <section className="fc-found" aria-labelledby="fc-title">
      <h3 id="fc-title" className="fc-title" ref={heading} tabIndex={-1}>
        <bdi>{found.name ?? found.board}</bdi>
      </h3>
      <What found={found} />
      {isKnown ? (
        <>
          <p>
            It is already in your list
            {known && known.name !== found.name ? ` as ${isolated(known.name)}` : ''}.
          </p>
          <button type="button" className="button" onClick={() => onEnd('')}>
            All right
          </button>
        </>
      ) : (
        <form className="fc-form" onSubmit={save}>
          {add.error && !ofName && (
            <Banner tone="danger" role="alert" onDismiss={add.reset}>
              It was not added. {detail} {faultLines(ofOthers).join(' ')}
            </Banner>
          )}
          <Field
            label="Name in your list"
            name="name"
            required
            maxLength={100}
            autoComplete="off"
            value={name}
            errors={fieldFaults(ofName)}
            onChange={({ target }) => onName(target.value)}
          />
          <div className="fc-actions">
            <button type="submit" className="button button--primary" aria-disabled={add.isPending}>
              {add.isPending ? 'Adding …' : 'Add to my list'}
            </button>
            <button type="button" className="button" onClick={() => onEnd('')}>
              Not this one
            </button>
            <span className="quiet">Not saved yet.</span>
          </div>
        </form>
      )}
    </section>
  );
}

/** @param {{found: Detected}} props */
function What({ found }) {
  const address = linkable(found.url);
  return (
    <>
      <p>
        {found.source_name}, board{' '}
        {address ? (
          <a href={address} target="_blank" rel="noreferrer" dir="auto">
            {found.board}
          </a>
        ) : (
          <bdi>{found.board}</bdi>
        )}
        : {amount(found.postings, 'posting')}
        {!found.is_complete && ', but not all of the board could be read'}.
      </p>
      {found.titles.length > 0 && (
        <ul className="fc-titles">
          {found.titles.map((title, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: titles may be alike, and the list never changes
            <li key={index}>
              <bdi>{title}</bdi>
            </li>
          ))}
        </ul>
      )}
      {found.note && (
        <p className="quiet" dir="auto">
          {found.note}
        </p>
      )}
    </>
  );
}
