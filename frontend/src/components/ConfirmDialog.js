import { useId, useLayoutEffect, useRef } from 'react';
import './ConfirmDialog.css';

/**
 * A modal question before an action that is hard to undo. The safe answer has the focus, and Escape chooses it.
 * @param {{title: string, children: import('react').ReactNode, confirm: string, cancel: string,
 *   tone?: 'danger' | 'primary', onConfirm: () => void, onCancel: () => void}} props
 */
export default function ConfirmDialog({
  title,
  children,
  confirm,
  cancel,
  tone = 'danger',
  onConfirm,
  onCancel,
}) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const safe = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const titleId = useId();
  useLayoutEffect(() => {
    const node = dialog.current;
    node?.showModal();
    safe.current?.focus();
    // Only close() returns the focus to the opener; removing the element does not.
    return () => node?.close();
  }, []);
  return (
    <dialog ref={dialog} className="cd-dialog" aria-labelledby={titleId} onCancel={onCancel}>
      <h2 id={titleId} className="cd-title">
        {title}
      </h2>
      <p>{children}</p>
      <div className="cd-actions">
        <button type="button" className="button" ref={safe} onClick={onCancel}>
          {cancel}
        </button>
        <button type="button" className={`button button--${tone}`} onClick={onConfirm}>
          {confirm}
        </button>
      </div>
    </dialog>
  );
}
