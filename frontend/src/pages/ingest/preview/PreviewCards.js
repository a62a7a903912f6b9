import { useMemo, useState } from 'react';
import { amount, formatCount } from '../../../lib/format.js';
import { KINDS, ofKind } from '../../../lib/posting.js';
import { byName } from '../../../lib/searching.js';
import CompanyCard from './CompanyCard.js';
import './PreviewCards.css';

/** From how many companies on it is worth choosing among them. */
const MANY = 4;

/**
 * The companies of a preview, each with how it stands with it.
 * @param {{preview: import('../../../api/previews.js').Preview}} props
 */
export default function PreviewCards({ preview }) {
  const [kind, setKind] = useState('all');
  const { companies, preview_id: previewId } = preview;
  const shown = useMemo(() => byName(ofKind(companies, kind)), [companies, kind]);
  return (
    <section className="pv-section" aria-labelledby="pv-title">
      <div className="pv-head">
        <h2 id="pv-title">{amount(companies.length, 'company', 'companies')}</h2>
        {companies.length >= MANY && (
          <label className="pv-kind">
            Show
            <select value={kind} onChange={({ target }) => setKind(target.value)}>
              {Object.entries(KINDS).map(([word, label]) => (
                <option key={word} value={word}>
                  {label} ({formatCount(ofKind(companies, word).length)})
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {companies.length > 0 && shown.length === 0 && <p>None of the companies is like that.</p>}
      <ul className="pv-list">
        {shown.map((company) => (
          <CompanyCard key={company.position} previewId={previewId} company={company} />
        ))}
      </ul>
    </section>
  );
}
