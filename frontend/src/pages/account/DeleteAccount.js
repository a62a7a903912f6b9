import { useId, useLayoutEffect, useRef, useState } from 'react';
import { useDeleteAccount } from '../../api/account.js';
import Banner from '../../components/Banner.js';
import Field from '../../components/Field.js';
import { accountMessages, deleteError, deletePasswordErrors } from '../../messages/account.js';
import './DeleteAccount.css';

/**
 * The button that deletes the account. It asks first, naming what goes, and for the password.
 * @param {{email: string}} props for password managers, which identify the account by it
 */
export default function DeleteAccount({ email }) {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <section className="panel da-section" aria-labelledby="da-title">
      <h2 id="da-title">Delete account</h2>
      <p className="quiet">{accountMessages.deleteHelp}</p>
      <button type="button" className="button" onClick={() => setIsAsking(true)}>
        Delete account …
      </button>
      {isAsking && <DeleteDialog email={email} onClose={() => setIsAsking(false)} />}
    </section>
  );
}

/** @param {{email: string, onClose: () => void}} props */
function DeleteDialog({ email, onClose }) {
  const deletion = useDeleteAccount();
  const id = useId();
  const dialog = useModal();
  const errors = deletePasswordErrors(deletion.error);
  // After a success, the whole page is left.
  const isBusy = deletion.isPending || deletion.isSuccess;
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  function submit(event) {
    event.preventDefault();
    if (!isBusy) {
      deletion.mutate(String(new FormData(event.currentTarget).get('password')));
    }
  }
  return (
    <dialog ref={dialog} className="da-dialog" aria-labelledby={id} onCancel={onClose}>
      <form className="da-form" onSubmit={submit}>
        <h2 id={id} className="da-title">
          Delete the account {email}?
        </h2>
        <p>{accountMessages.deleteText}</p>
        {deletion.error && !errors && (
          <Banner tone="danger" role="alert">
            {deleteError(deletion.error)}
          </Banner>
        )}
        <input type="hidden" name="username" autoComplete="username" value={email} />
        <Field
          label="Your password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          maxLength={1024}
          errors={errors}
        />
        <div className="da-actions">
          <button type="button" className="button" onClick={onClose}>
            Keep my account
          </button>
          <button type="submit" className="button button--danger" aria-disabled={isBusy}>
            {isBusy ? 'Deleting …' : 'Delete for good'}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** A ref of a dialog that is shown as a modal one. The password has the focus, because it comes first. */
function useModal() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const node = dialog.current;
    node?.showModal();
    /** @type {HTMLElement | null | undefined} */ (node?.querySelector('input[type=password]'))?.focus();
    return () => node?.close();
  }, []);
  return dialog;
}
