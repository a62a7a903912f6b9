import { useEffect, useRef } from 'react';
import { useChangeCompany } from '../../../api/companies.js';
import Banner from '../../../components/Banner.js';
import Field from '../../../components/Field.js';
import { useDraftStore } from '../../../lib/draftStore.js';
import {
  afterSaving,
  changesOf,
  editorOf,
  isAlike,
  isChanged,
  isOvertaken,
  rebased,
  withEditor,
} from '../../../lib/drafts.js';
import { faultLines, fieldFaults } from '../../../lib/fieldErrors.js';
import { changedElsewhere } from '../../../lib/terms.js';
import './FilterEditor.css';

/** @typedef {import('../../../api/companies.js').Company} Company */
/** @typedef {import('../../../lib/drafts.js').Editor} Editor */

/**
 * Name and filters of one company, edited in place; what is typed is a draft until it is saved or discarded.
 * @param {{company: Company, editor: Editor, onClosed: () => void}} props
 */
export default function FilterEditor({ company, editor, onClosed }) {
  const { company_id: id, name } = company;
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const first = useFocusOnOpening();
  const { change, get } = useDraftStore();
  const { mutate, isPending, error, reset } = useChangeCompany((answer, { sent }) =>
    keep((typed) => afterSaving(typed, sent ?? typed, answer)),
  );
  // What the list brings while one's own change is under way may be just that.
  const isBehind = !isPending && isOvertaken(editor, company);
  useFollowing(editor, company, !isPending && !isBehind);
  const shown = isPending ? editor : rebased(editor, company);
  /** @param {(typed: Editor) => Editor | null} next what becomes of the editor that is there by now */
  function keep(next) {
    const typed = get().editors[id];
    const left = typed && next(typed);
    if (typed && !left && form.current?.contains(document.activeElement)) {
      onClosed();
    }
    change((drafts) => (typed ? withEditor(drafts, id, left) : drafts));
  }
  const close = () => keep(() => null);
  /** @param {Company} seen what is changed by it */
  function send(seen) {
    const mine = rebased(get().editors[id] ?? editor, seen);
    const changes = changesOf(mine);
    if (Object.keys(changes).length === 0) {
      close();
    } else if (!isPending) {
      keep(() => mine);
      mutate({ id, name, changes, seen: seen.updated_at, sent: mine }, { onError: again });
    }
  }
  /**
   * What was changed elsewhere may be nothing that is edited here.
   * @param {import('../../../api/client.js').ApiError} refused
   */
  function again({ problem: { company: now } }) {
    const typed = get().editors[id];
    if (now && typed && !isOvertaken(typed, now)) {
      send(now);
    }
  }
  /** @param {import('react').FormEvent} event */
  function save(event) {
    event.preventDefault();
    if (!isBehind) {
      send(company);
    }
  }
  const { errors = {}, detail, code } = error?.problem ?? {};
  const { name: ofName, include: ofInclude, exclude: ofExclude, ...ofOthers } = errors;
  const field = (part) => ({
    value: shown[part],
    autoComplete: 'off',
    onChange: ({ target }) => keep((typed) => ({ ...typed, [part]: target.value })),
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
          onClick={isBehind ? () => send(company) : undefined}
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

/** An editor follows its company where nothing was typed, so that it is never taken for a change. */
function useFollowing(editor, company, isFree) {
  const { change } = useDraftStore();
  const isLeft = isFree && !isAlike(editor.base, editorOf(company).base);
  useEffect(() => {
    if (isLeft) {
      const { company_id: id } = company;
      change((drafts) => {
        const typed = drafts.editors[id];
        return typed ? withEditor(drafts, id, rebased(typed, company)) : drafts;
      });
    }
  }, [isLeft, company, change]);
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
