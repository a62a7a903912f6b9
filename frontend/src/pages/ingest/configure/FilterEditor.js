import { useEffect, useRef } from 'react';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { isChanged } from '../../../lib/editors.js';
import { errorLines, fieldErrors } from '../../../lib/fieldErrors.js';
import { changedElsewhereMessage, companyChanges, filterMessages } from '../../../messages/companies.js';
import { changeError } from '../../../messages/errors.js';
import { useCompanyEditor } from './useCompanyEditor.js';
import './FilterEditor.css';

/** @typedef {import('../../../api/companies.js').Company} Company */
/** @typedef {import('../../../lib/editors.js').Editor} Editor */

/**
 * The form for a company's name and filters. Its texts are a draft until they are saved or discarded.
 * @param {{company: Company, editor: Editor, onClosed: () => void}} props
 */
export default function FilterEditor({ company, editor, onClosed }) {
  const { name } = company;
  const firstField = useFocusOnOpening();
  const { form, shown, isOutdated, isPending, error, reset, type, save, close } = useCompanyEditor(
    company,
    editor,
    onClosed,
  );
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault();
    if (!isOutdated) {
      save();
    }
  }
  const { errors = {}, code } = error?.problem ?? {};
  const { name: nameErrors, include: includeErrors, exclude: excludeErrors, ...otherErrors } = errors;
  const hasFieldErrors = nameErrors || includeErrors || excludeErrors;
  const field = (key) => ({
    value: shown[key],
    autoComplete: 'off',
    onChange: ({ target }) => type({ [key]: target.value }),
  });
  return (
    <form className="fe-form" onSubmit={submit} aria-label={`Filters of ${name}`} ref={form}>
      {isOutdated && (
        <Banner tone="warning" role="alert">
          {changedElsewhereMessage(company)} {filterMessages.conflict}
        </Banner>
      )}
      {error && code !== 'company_changed' && !hasFieldErrors && (
        <Banner tone="danger" role="alert" onDismiss={reset}>
          {changeError(companyChanges.save, error)} {errorLines(otherErrors).join(' ')}
        </Banner>
      )}
      <div className="fe-fields">
        <Field
          label="Name"
          ref={firstField}
          required
          maxLength={100}
          errors={fieldErrors(nameErrors)}
          {...field('name')}
        />
        <Field
          label="Titles must contain"
          hint={filterMessages.includeHint}
          errors={fieldErrors(includeErrors, 'Word')}
          {...field('include')}
        />
        <Field
          label="Titles must not contain"
          hint={filterMessages.excludeHint}
          errors={fieldErrors(excludeErrors, 'Word')}
          {...field('exclude')}
        />
      </div>
      <p className="quiet fe-help">{filterMessages.help}</p>
      <div className="fe-actions">
        {/* One button for both, so that it keeps the focus. Enter in a field must not overwrite. */}
        <button
          type={isOutdated ? 'button' : 'submit'}
          className="button button--primary"
          aria-disabled={isPending}
          onClick={isOutdated ? save : undefined}
        >
          {isPending ? 'Saving …' : isOutdated ? filterMessages.overwrite : 'Save'}
        </button>
        <button type="button" className="button" onClick={close}>
          {isOutdated ? filterMessages.discardMine : isChanged(shown) ? 'Discard' : 'Close'}
        </button>
        {isChanged(shown) && <span className="quiet">{filterMessages.notSaved}</span>}
      </div>
    </form>
  );
}

/** Focus the first field when the user opens the editor, but not when it is restored from a draft. */
function useFocusOnOpening() {
  const firstField = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    const row = firstField.current?.closest('li');
    if (row?.contains(document.activeElement)) {
      firstField.current?.focus();
    }
  }, []);
  return firstField;
}
