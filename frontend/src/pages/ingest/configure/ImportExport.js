import { useRef, useState } from 'react';
import { EXPORT_ADDRESS, useImportCompanies } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { countNew, parseCompanyFile } from '../../../lib/companyFile.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { errorLines } from '../../../lib/fieldErrors.js';
import { amount } from '../../../lib/format.js';
import { companyChanges, importMessages } from '../../../messages/companies.js';
import { changeError } from '../../../messages/errors.js';
import './ImportExport.css';

/** @typedef {import('../../../api/companies.js').Company} Company */

const MAX_ERRORS_SHOWN = 10;

const selectImport = (drafts) => drafts.importing;

/**
 * Export and import of the list as a file.
 * @param {{companies: Company[]}} props
 */
export default function ImportExport({ companies }) {
  const importing = useDrafts(selectImport);
  const { update } = useDraftStore();
  const [problem, setProblem] = useState('');
  const [message, setMessage] = useState('');
  // Only the initial state: afterwards the user opens and closes it.
  const [initiallyOpen] = useState(importing !== null);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {import('../../../lib/drafts.js').Import | null} next */
  const setImport = (next) => update((drafts) => ({ ...drafts, importing: next }));
  /** @param {string} result */
  function end(result) {
    setImport(null);
    setMessage(result);
    input.current?.focus();
  }
  /** @param {import('react').ChangeEvent<HTMLInputElement>} event */
  async function read({ target }) {
    const [file] = target.files ?? [];
    if (!file) {
      return;
    }
    const { companies: entries, problem: found } = parseCompanyFile(await file.text());
    // Otherwise choosing the same file again, once corrected, would raise no event.
    target.value = '';
    setMessage('');
    setProblem(found ?? '');
    setImport(entries && { file: file.name, companies: entries });
  }
  return (
    <details className="panel" open={initiallyOpen}>
      <summary className="ie-title">Import and export</summary>
      <div className="ie-parts">
        <p>
          <a className="button" href={EXPORT_ADDRESS} download="companies.json">
            Export {amount(companies.length, 'company', 'companies')}
          </a>
        </p>
        <Field
          label="Import companies from a file"
          hint={importMessages.hint}
          type="file"
          accept=".json,application/json"
          ref={input}
          errors={problem ? [problem] : undefined}
          onChange={read}
        />
        <div role="status">{message}</div>
        {importing && <ImportQuestion importing={importing} companies={companies} onEnd={end} />}
      </div>
    </details>
  );
}

/**
 * @param {{importing: import('../../../lib/drafts.js').Import, companies: Company[],
 *   onEnd: (result: string) => void}} props
 */
function ImportQuestion({ importing: { file, companies: entries }, companies, onEnd }) {
  const { isPending, error, mutate, reset } = useImportCompanies((result) =>
    onEnd(importMessages.done(result)),
  );
  return (
    <div className="ie-parts">
      <p>{importMessages.summary(file, entries.length, countNew(entries, companies))}</p>
      {error && (
        <Banner tone="danger" role="alert" onDismiss={reset}>
          <p>{changeError(companyChanges.import, error)}</p>
          <Errors problem={error.problem} />
        </Banner>
      )}
      <p className="ie-actions">
        <button
          type="button"
          className="button button--primary"
          aria-disabled={isPending}
          onClick={() => !isPending && mutate(entries)}
        >
          {isPending ? 'Importing …' : `Import ${amount(entries.length, 'company', 'companies')}`}
        </button>
        <button type="button" className="button" onClick={() => onEnd('')}>
          Cancel
        </button>
        <span className="quiet">{importMessages.notImported}</span>
      </p>
    </div>
  );
}

/**
 * The first errors of a file, and the number of the others.
 * @param {{problem: import('../../../api/client.js').Problem}} props
 */
function Errors({ problem: { errors, more_errors: unnamed = 0 } }) {
  const lines = errorLines(errors);
  const more = Math.max(0, lines.length - MAX_ERRORS_SHOWN) + unnamed;
  return (
    <>
      {lines.slice(0, MAX_ERRORS_SHOWN).map((line) => (
        <p key={line}>{line}</p>
      ))}
      {more > 0 && <p>{importMessages.moreErrors(more)}</p>}
    </>
  );
}
