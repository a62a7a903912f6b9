import { useEffect, useRef } from 'react';
import { useAddCompany } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { companyKey } from '../../../lib/companyFile.js';
import { errorLines, fieldErrors } from '../../../lib/fieldErrors.js';
import { amount } from '../../../lib/format.js';
import { safeLink } from '../../../lib/posting.js';
import { addMessages, companyChanges } from '../../../messages/companies.js';
import { changeError } from '../../../messages/errors.js';
import './FoundCompany.css';

/** @typedef {import('../../../api/sources.js').DetectedBoard} DetectedBoard */

/**
 * The board that was found, and the form that adds it to the list.
 * @param {{found: DetectedBoard, name: string, companies: import('../../../api/companies.js').Company[],
 *   isFresh: boolean, onName: (name: string) => void, onEnd: (result: string) => void}} props `isFresh` if it was found
 *   just now and not restored from a draft
 */
export default function FoundCompany({ found, name, companies, isFresh, onName, onEnd }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const add = useAddCompany(({ name: added, same_as: other }) =>
    onEnd(other ? addMessages.addedSame(added, other.name) : addMessages.added(added)),
  );
  useEffect(() => {
    if (isFresh) {
      heading.current?.focus();
    }
  }, [isFresh]);
  const known = companies.find((company) => companyKey(company) === companyKey(found));
  // It may have been removed since the board was found.
  const same = companies.find(({ company_id: id }) => id === found.same_as?.company_id);
  const isKnown = Boolean(known ?? found.company_id) || add.error?.code === 'company_exists';
  /** @param {import('react').FormEvent} event */
  function save(event) {
    event.preventDefault();
    if (!add.isPending) {
      const { source, board } = found;
      add.mutate({ source, board, name: name.trim(), enabled: true, include: [], exclude: [] });
    }
  }
  const { errors = {} } = add.error?.problem ?? {};
  const { name: nameErrors, ...otherErrors } = errors;
  return (
    <section className="fc-found" aria-labelledby="fc-title">
      <h3 id="fc-title" className="fc-title" ref={heading} tabIndex={-1}>
        <bdi>{found.name ?? found.board}</bdi>
      </h3>
      <BoardSummary found={found} />
      {isKnown ? (
        <>
          <p>{addMessages.known(known && known.name !== found.name ? known.name : null)}</p>
          <button type="button" className="button" onClick={() => onEnd('')}>
            OK
          </button>
        </>
      ) : (
        <form className="fc-form" onSubmit={save}>
          {same && <Banner tone="warning">{addMessages.sameBoard(same.name)}</Banner>}
          {add.error && !nameErrors && (
            <Banner tone="danger" role="alert" onDismiss={add.reset}>
              {changeError(companyChanges.add, add.error)} {errorLines(otherErrors).join(' ')}
            </Banner>
          )}
          <Field
            label="Name in your list"
            name="name"
            required
            maxLength={100}
            autoComplete="off"
            value={name}
            errors={fieldErrors(nameErrors)}
            onChange={({ target }) => onName(target.value)}
          />
          <div className="fc-actions">
            <button type="submit" className="button button--primary" aria-disabled={add.isPending}>
              {add.isPending ? 'Adding …' : same ? 'Add it anyway' : 'Add to my list'}
            </button>
            <button type="button" className="button" onClick={() => onEnd('')}>
              Discard
            </button>
            <span className="quiet">{addMessages.notSaved}</span>
          </div>
        </form>
      )}
    </section>
  );
}

/** @param {{found: DetectedBoard}} props */
function BoardSummary({ found }) {
  const address = safeLink(found.url);
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
        {!found.is_complete && addMessages.incomplete}.
      </p>
      {found.titles.length > 0 && (
        <ul className="fc-titles">
          {found.titles.map((title, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: titles may repeat, and the list never changes
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
