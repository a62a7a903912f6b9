import { useEffect, useRef } from 'react';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { isChanged } from '../../../lib/editors.js';
import { faultLines, fieldFaults } from '../../../lib/fieldErrors.js';
import { changedElsewhere } from '../../../lib/terms.js';
import { useEditing } from './useEditing.js';
import './FilterEditor.css';

/** @typedef {import('../../../api/companies.js').Company} Company */
/** @typedef {import('../../../lib/editors.js').Editor} Editor */

/**
 * Name and filters of one company, edited in place; what is typed is a draft until it is saved or discarded.
 * @param {{company: Company, editor: Editor, onClosed: () => void}} props
 */
export default function FilterEditor({ company, editor, onClosed }) {
  const { name } = company;
  const first = useFocusOnOpening();
  const { form, shown, isBehind, isPending, error, reset, type, send, close } = useEditing(
    company,
    editor,
    onClosed,
  );
  /** @param {import('react').FormEvent} event */
  function save(event) {
    event.preventDefault();
    if (!isBehind) {
      send();
    }
  }
  const { errors = {}, detail, code } = error?.problem ?? {};
  const { name: ofName, include: ofInclude, exclude: ofExclude, ...ofOthers } = errors;
  const field = (part) => ({
    value: shown[part],
    autoComplete: 'off',
    onChange: ({ target }) => type({ [part]: target.value }),
  });
  return (
    <form className="fe-form" onSubmit={save} aria-label={`Filters of ${name}`} ref={form}>
      {isBehind && (
        <Banner tone="warning" role="alert">
          {changedElsewhere(company)} What you typed is still here and not saved.
        </Banner>
      )}
      {error && code !== 'company_changed' && !ofName && !ofInclude && !ofExclude && (
        <Banner tone="danger" role="alert" onDismiss={reset}>
          It was not saved. {detail} {faultLines(ofOthers).join(' ')}
        </Banner>
      )}
      <div className="fe-fields">
        <Field
          label="Name"
          ref={first}
          required
          maxLength={100}
          errors={fieldFaults(ofName)}
          {...field('name')}
        />
        <Field
          label="Only titles with"
          hint="With commas between: engineer*, product designer"
          errors={fieldFaults(ofInclude, 'Word')}
          {...field('include')}
        />
        <Field
          label="Never titles with"
          hint="With commas between: intern, senior"
          errors={fieldFaults(ofExclude, 'Word')}
          {...field('exclude')}
        />
      </div>
      <p className="quiet fe-help">
        Whole words of the title, upper or lower case alike: intern leaves internal tools engineer alone.
        Plurals too: engineer also finds Engineers. A * stands for any ending: engineer* finds engineering.
        Several words are looked for as a phrase; a comma ends one and begins the next. No words under ‘Only’:
        every title is taken. What ‘Never’ names is left out even if ‘Only’ lets it in.
      </p>
      <div className="fe-actions">
        {/* One that has the focus keeps it, and Enter in a field overwrites nothing. */}
        <button
          type={isBehind ? 'button' : 'submit'}
          className="button button--primary"
          aria-disabled={isPending}
          onClick={isBehind ? send : undefined}
        >
          {isPending ? 'Saving …' : isBehind ? 'Save mine all the same' : 'Save'}
        </button>
        <button type="button" className="button" onClick={close}>
          {isBehind ? 'Take theirs' : isChanged(shown) ? 'Discard' : 'Close'}
        </button>
        {isChanged(shown) && <span className="quiet">Not saved yet.</span>}
      </div>
    </form>
  );
}

/** The first field has the focus when the editor is opened by hand, not when it comes back with the page. */
function useFocusOnOpening() {
  const first = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    const row = first.current?.closest('li');
    if (row?.contains(document.activeElement)) {
      first.current?.focus();
    }
  }, []);
  return first;
}
