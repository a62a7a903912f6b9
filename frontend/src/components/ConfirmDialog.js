import { useId, useLayoutEffect, useRef } from 'react';
import './ConfirmDialog.css';

/**
 * Asks before something that is not easily taken back. The safe answer has the focus; Escape gives it.
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
    const shown = dialog.current;
    shown?.showModal();
    safe.current?.focus();
    // Closing it while it is still there, and not only taking it away, gives the focus back to where it was.
    return () => shown?.close();
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
