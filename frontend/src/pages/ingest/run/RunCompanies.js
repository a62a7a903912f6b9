import { useEffect, useRef } from 'react';
import { Link, useSearchParams } from 'react-router';
import { useRunCompanies } from '../../../api/runCompanies.js';
import Banner from '../../../components/Banner.js';
import { safeLink } from '../../../lib/posting.js';
import { failureReason } from '../../../messages/errors.js';
import {
  companyPromise,
  runCompanyMessages,
  runCompanyState,
  runCompanyWords,
} from '../../../messages/runCompanies.js';
import './RunCompanies.css';

/**
 * The companies of a run, page by page; those that could not be read come first. The page is part of the address.
 * @param {{run: import('../../../api/runs.js').Run}} props
 */
export default function RunCompanies({ run }) {
  const [search] = useSearchParams();
  const after = search.get('companies');
  const { page, isStale, error } = useRunCompanies(run, after);
  const heading = useFocusOnChange(after);
  return (
    <section className="rc-section" aria-labelledby="rc-title">
      <h2 id="rc-title" className="rc-title" tabIndex={-1} ref={heading}>
        Companies
      </h2>
      <div role="status" className="rc-alerts">
        {!page && !error && <p className="quiet">Loading …</p>}
        {error && (
          <Banner tone="warning">
            {runCompanyMessages.notLoaded} {failureReason(error)}
          </Banner>
        )}
      </div>
      {page && (
        <ul className="rc-list" aria-busy={isStale}>
          {page.companies.map((company) => (
            <CompanyRow key={company.position} company={company} isActive={run.is_active} />
          ))}
        </ul>
      )}
      {(after || page?.next) && (
        <nav aria-label="Pages of companies" className="rc-pages">
          {after && <Link to="?">First companies</Link>}
          {page?.next && <Link to={`?${new URLSearchParams({ companies: page.next })}`}>More companies</Link>}
        </nav>
      )}
    </section>
  );
}

/**
 * A ref of a heading that receives the focus when the page of the list changes, but not on the first load.
 * @param {string | null} after
 */
function useFocusOnChange(after) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const previous = useRef(after);
  useEffect(() => {
    if (previous.current !== after) {
      previous.current = after;
      heading.current?.focus();
    }
  }, [after]);
  return heading;
}

/** @param {{company: import('../../../api/runCompanies.js').RunCompany, isActive: boolean}} props */
function CompanyRow({ company, isActive }) {
  const { name, source_name: source, state } = company;
  const address = safeLink(company.url);
  const words = runCompanyWords(company);
  const promised = companyPromise(company);
  return (
    <li className="rc-row">
      <p>
        <bdi className="rc-name">{name}</bdi>{' '}
        {address ? (
          <a
            className="rc-source"
            href={address}
            target="_blank"
            rel="noreferrer"
            aria-label={`${source} board of ${name}`}
          >
            {source}
          </a>
        ) : (
          <span className="quiet rc-source">{source}</span>
        )}
      </p>
      <p className={`rc-state rc-state--${state}`}>{runCompanyState(company, isActive)}</p>
      {(words || promised) && (
        <p className="quiet rc-words">
          {words}
          {promised && ` ${promised}.`}
        </p>
      )}
    </li>
  );
}
