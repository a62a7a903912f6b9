import { useMemo, useState } from 'react';
import { amount, formatCount } from '../../../lib/format.js';
import { COMPANY_FILTERS, filterCompanies } from '../../../lib/posting.js';
import { sortByName } from '../../../lib/search.js';
import { useNow } from '../../../lib/useNow.js';
import { listingAge, previewMessages } from '../../../messages/previews.js';
import CompanyCard from './CompanyCard.js';
import './PreviewCards.css';

/** With fewer companies there is no filter. */
const MIN_COMPANIES_FOR_FILTER = 4;
/** The ages of listings are in minutes. */
const AGE_SECONDS = 5;

/**
 * The companies of a preview with their states.
 * @param {{preview: import('../../../api/previews.js').Preview, asOf: number}} props `asOf`: the browser's time when the
 *   preview arrived
 */
export default function PreviewCards({ preview, asOf }) {
  const [filter, setFilter] = useState('all');
  const { companies, preview_id: previewId, server_time: serverTime } = preview;
  const shown = useMemo(() => sortByName(filterCompanies(companies, filter)), [companies, filter]);
  // By the server's clock, because the browser's may be wrong.
  const now = Date.parse(serverTime) + Math.max(0, useNow(true, AGE_SECONDS) - asOf);
  return (
    <section className="pc-section" aria-labelledby="pc-title">
      <div className="pc-head">
        <h2 id="pc-title">{amount(companies.length, 'company', 'companies')}</h2>
        {companies.length >= MIN_COMPANIES_FOR_FILTER && (
          <label className="pc-filter">
            Show
            <select value={filter} onChange={({ target }) => setFilter(target.value)}>
              {Object.entries(COMPANY_FILTERS).map(([key, label]) => (
                <option key={key} value={key}>
                  {label} ({formatCount(filterCompanies(companies, key).length)})
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {companies.length > 0 && shown.length === 0 && <p>{previewMessages.noCompanyMatches}</p>}
      <ul className="pc-list">
        {shown.map((company) => (
          <CompanyCard
            key={company.position}
            previewId={previewId}
            company={company}
            age={listingAge(company, now)}
          />
        ))}
      </ul>
    </section>
  );
}
