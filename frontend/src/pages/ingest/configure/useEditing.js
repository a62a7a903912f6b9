import { useEffect, useRef } from 'react';
import { useChangeCompany } from '../../../api/companies.js';
import { useDraftStore } from '../../../lib/draftStore.js';
import { withEditor } from '../../../lib/drafts.js';
import { afterSaving, changesOf, editorOf, isAlike, isOvertaken, rebased } from '../../../lib/editors.js';

/** @typedef {import('../../../api/companies.js').Company} Company */
/** @typedef {import('../../../lib/editors.js').Editor} Editor */

/**
 * What is typed for a company, and saving it: over what was last seen of the company, and over nothing else unasked.
 * @param {Company} company
 * @param {Editor} editor
 * @param {() => void} onClosed told when it is closed with the focus in it
 */
export function useEditing(company, editor, onClosed) {
  const { company_id: id, name } = company;
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
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
  return {
    form,
    shown,
    isBehind,
    isPending,
    error,
    reset,
    /** @param {Partial<import('../../../lib/editors.js').Texts>} texts */
    type: (texts) => keep((typed) => ({ ...typed, ...texts })),
    send: () => send(company),
    close,
  };
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
