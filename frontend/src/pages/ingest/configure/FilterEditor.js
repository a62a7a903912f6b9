import { useEffect, useRef } from 'react';
import { useChangeCompany } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { useDraftStore } from '../../../lib/draftStore.js';
import { changesOf, isChanged, withEditor } from '../../../lib/drafts.js';
import { faultLines, fieldFaults } from '../../../lib/fieldErrors.js';
import './FilterEditor.css';

/**
 * Name and filters of one company, edited in place; what is typed is a draft until it is saved or discarded.
 * @param {{company: import('../../../api/companies.js').Company, editor: import('../../../lib/drafts.js').Editor,
 *   onClosed: () => void}} props
 */
export default function FilterEditor({ company, editor, onClosed }) {
  const { company_id: id, name } = company;
  const { change } = useDraftStore();
  const saved = useChangeCompany(close);
  const first = useFocusOnOpening();
  function close() {
    onClosed();
    change((drafts) => withEditor(drafts, id, null));
  }
  /** @param {import('react').FormEvent} event */
  function save(event) {
    event.preventDefault();
    const changes = changesOf(editor);
    if (Object.keys(changes).length === 0) {
      close();
    } else if (!saved.isPending) {
      saved.mutate({ id, name, changes });
    }
  }
  const { errors = {}, detail } = saved.error?.problem ?? {};
  const { name: ofName, include: ofInclude, exclude: ofExclude, ...ofOthers } = errors;
  const field = (part) => ({
    value: editor[part],
    autoComplete: 'off',
    onChange: ({ target }) => change((drafts) => withEditor(drafts, id, { ...editor, [part]: target.value })),
  });
  return (
    <form className="fe-form" onSubmit={save} aria-label={`Filters of ${name}`}>
      {saved.error && !ofName && !ofInclude && !ofExclude && (
        <Banner tone="danger" role="alert" onDismiss={saved.reset}>
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
        <button type="submit" className="button button--primary" aria-disabled={saved.isPending}>
          {saved.isPending ? 'Saving …' : 'Save'}
        </button>
        <button type="button" className="button" onClick={close}>
          {isChanged(editor) ? 'Discard' : 'Close'}
        </button>
        {isChanged(editor) && <span className="quiet">Not saved yet.</span>}
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
