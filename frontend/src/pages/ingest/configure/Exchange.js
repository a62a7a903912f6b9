import { useRef, useState } from 'react';
import { EXPORT_ADDRESS, useImportCompanies } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { countNew, readCompanyFile } from '../../../lib/companyFile.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { faultLines } from '../../../lib/fieldErrors.js';
import { amount, formatCount, isolated } from '../../../lib/format.js';
import './Exchange.css';

/** @typedef {import('../../../api/companies.js').Company} Company */

const importOf = (drafts) => drafts.importing;

/**
 * The list as a file: out, and in again.
 * @param {{companies: Company[]}} props
 */
export default function Exchange({ companies }) {
  const importing = useDrafts(importOf);
  const { change } = useDraftStore();
  const [problem, setProblem] = useState('');
  const [said, setSaid] = useState('');
  // Only how it begins: from then on it is opened and closed by hand.
  const [initially] = useState(importing !== null);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {import('../../../lib/drafts.js').Import | null} next */
  const keep = (next) => change((drafts) => ({ ...drafts, importing: next }));
  /** @param {string} words */
  function end(words) {
    keep(null);
    setSaid(words);
    input.current?.focus();
  }
  /** @param {import('react').ChangeEvent<HTMLInputElement>} event */
  async function read({ target }) {
    const [file] = target.files ?? [];
    if (!file) {
      return;
    }
    const { companies: inside, problem: found } = readCompanyFile(await file.text());
    // The same file, mended, can be chosen again.
    target.value = '';
    setSaid('');
    setProblem(found ?? '');
    keep(inside && { file: file.name, companies: inside });
  }
  return (
    <details className="panel" open={initially}>
      <summary className="ex-title">Import and export</summary>
      <div className="ex-parts">
        <p>
          <a className="button" href={EXPORT_ADDRESS} download="companies.json">
            Export {amount(companies.length, 'company', 'companies')}
          </a>
        </p>
        <Field
          label="Import companies from a file"
          hint="A file as the export makes it. Nothing is removed by it."
          type="file"
          accept=".json,application/json"
          ref={input}
          errors={problem ? [problem] : undefined}
          onChange={read}
        />
        <div role="status">{said}</div>
        {importing && <Question importing={importing} companies={companies} onEnd={end} />}
      </div>
    </details>
  );
}

/**
 * @param {{importing: import('../../../lib/drafts.js').Import, companies: Company[],
 *   onEnd: (words: string) => void}} props
 */
function Question({ importing: { file, companies: inside }, companies, onEnd }) {
  const { isPending, error, mutate, reset } = useImportCompanies(({ added, changed, unchanged }) =>
    onEnd(
      `Imported: ${formatCount(added)} added, ${formatCount(changed)} changed, ${formatCount(unchanged)} as before.`,
    ),
  );
  const fresh = countNew(inside, companies);
  return (
    <div className="ex-parts">
      <p>
        {isolated(file)} has {amount(inside.length, 'company', 'companies')}: {formatCount(fresh)} new,{' '}
        {formatCount(inside.length - fresh)} in your list already, whose name and filters become those of the
        file.
      </p>
      {error && (
        <Banner tone="danger" role="alert" onDismiss={reset}>
          <p>Nothing was imported. {error.message}</p>
          {faultLines(error.problem.errors)
            .slice(0, 10)
            .map((line) => (
              <p key={line}>{line}</p>
            ))}
        </Banner>
      )}
      <p className="ex-actions">
        <button
          type="button"
          className="button button--primary"
          aria-disabled={isPending}
          onClick={() => !isPending && mutate(inside)}
        >
          {isPending ? 'Importing …' : `Import ${amount(inside.length, 'company', 'companies')}`}
        </button>
        <button type="button" className="button" onClick={() => onEnd('')}>
          Cancel
        </button>
        <span className="quiet">Not imported yet.</span>
      </p>
    </div>
  );
}
