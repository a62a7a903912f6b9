import { useEffect, useRef } from 'react';
import { useUpdateCompany } from '../../../api/companies.js';
import { useDraftStore } from '../../../lib/draftStore.js';
import { withEditor } from '../../../lib/drafts.js';
import {
  editorAfterSave,
  editorChanges,
  hasConflict,
  hasSameTexts,
  openEditor,
  rebase,
} from '../../../lib/editors.js';

/** @typedef {import('../../../api/companies.js').Company} Company */
/** @typedef {import('../../../lib/editors.js').Editor} Editor */

/**
 * Edit and save a company's name and filters. A change made elsewhere is only overwritten when the user asks for it.
 * @param {Company} company
 * @param {Editor} editor
 * @param {() => void} onClosed called if the editor closes while it has the focus
 */
export function useCompanyEditor(company, editor, onClosed) {
  const { company_id: id, name } = company;
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const { update, get } = useDraftStore();
  const { mutate, isPending, error, reset } = useUpdateCompany((answer, { submitted }) =>
    replaceEditor((current) => editorAfterSave(current, submitted ?? current, answer)),
  );
  // While a save is pending, a new version in the list may be this save.
  const isOutdated = !isPending && hasConflict(editor, company);
  useRebase(editor, company, !isPending && !isOutdated);
  const shown = isPending ? editor : rebase(editor, company);
  /** @param {(current: Editor) => Editor | null} updater of the editor in the store, which may be newer than `editor` */
  function replaceEditor(updater) {
    const current = get().editors[id];
    const next = current && updater(current);
    if (current && !next && form.current?.contains(document.activeElement)) {
      onClosed();
    }
    update((drafts) => (current ? withEditor(drafts, id, next) : drafts));
  }
  const close = () => replaceEditor(() => null);
  /** @param {Company} base the version that the save replaces */
  function save(base) {
    const submitted = rebase(get().editors[id] ?? editor, base);
    const changes = editorChanges(submitted);
    if (Object.keys(changes).length === 0) {
      close();
    } else if (!isPending) {
      replaceEditor(() => submitted);
      mutate(
        { id, name, changes, expectedUpdatedAt: base.updated_at, submitted },
        { onError: retryWithoutConflict },
      );
    }
  }
  /**
   * Save again if the change elsewhere does not conflict with the editor's.
   * @param {import('../../../api/client.js').ApiError} refusal
   */
  function retryWithoutConflict({ problem: { company: latest } }) {
    const current = get().editors[id];
    if (latest && current && !hasConflict(current, latest)) {
      save(latest);
    }
  }
  return {
    form,
    shown,
    isOutdated,
    isPending,
    error,
    reset,
    /** @param {Partial<import('../../../lib/editors.js').Texts>} texts */
    type: (texts) => replaceEditor((current) => ({ ...current, ...texts })),
    save: () => save(company),
    close,
  };
}

/** Store the rebased editor, so that a value taken from the company is never mistaken for a typed change. */
function useRebase(editor, company, isAllowed) {
  const { update } = useDraftStore();
  const isNeeded = isAllowed && !hasSameTexts(editor.base, openEditor(company).base);
  useEffect(() => {
    if (isNeeded) {
      const { company_id: id } = company;
      update((drafts) => {
        const current = drafts.editors[id];
        return current ? withEditor(drafts, id, rebase(current, company)) : drafts;
      });
    }
  }, [isNeeded, company, update]);
}
