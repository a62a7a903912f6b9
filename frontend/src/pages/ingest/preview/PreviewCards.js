import { useMemo, useState } from 'react';
import { amount, formatCount } from '../../../lib/format.js';
import { COMPANY_FILTERS, filterCompanies } from '../../../lib/posting.js';
import { sortByName } from '../../../lib/search.js';
import { previewMessages } from '../../../messages/previews.js';
import CompanyCard from './CompanyCard.js';
import './PreviewCards.css';

/** With fewer companies there is no filter. */
const MIN_COMPANIES_FOR_FILTER = 4;

/**
 * The companies of a preview with their states.
 * @param {{preview: import('../../../api/previews.js').Preview}} props
 */
export default function PreviewCards({ preview }) {
  const [filter, setFilter] = useState('all');
  const { companies, preview_id: previewId } = preview;
  const shown = useMemo(() => sortByName(filterCompanies(companies, filter)), [companies, filter]);
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
          <CompanyCard key={company.position} previewId={previewId} company={company} />
        ))}
      </ul>
    </section>
  );
}
