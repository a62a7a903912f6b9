import { useChangePassword } from '../../api/account.js';
import Banner from '../../components/Banner.js';
import Field from '../../components/Field.js';
import './ChangePassword.css';

/**
 * Changes the password.
 * @param {{email: string}} props for password managers, which go by it
 */
export default function ChangePassword({ email }) {
  const changed = useChangePassword();
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    if (!changed.isPending) {
      changed.mutate(
        { current_password: String(given.get('current')), new_password: String(given.get('new')) },
        { onSuccess: () => form.reset() },
      );
    }
  }
  const errors = changed.error?.problem.errors ?? {};
  return (
    <section className="panel cp-section" aria-labelledby="cp-title">
      <h2 id="cp-title">Change password</h2>
      <p className="quiet">Every other session and every token of yours ends with the old password.</p>
      {changed.error && (
        <Banner tone="danger" role="alert" onDismiss={changed.reset}>
          The password was not changed. {changed.error.message}
        </Banner>
      )}
      <div role="status">{changed.isSuccess && <Banner tone="info">Your password is changed.</Banner>}</div>
      <form className="cp-form" onSubmit={submit}>
        <input type="hidden" name="username" autoComplete="username" value={email} />
        <Field
          label="Current password"
          name="current"
          type="password"
          autoComplete="current-password"
          required
          errors={errors.current_password}
        />
        <Field
          label="New password"
          hint="12 characters or more."
          name="new"
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
          maxLength={1024}
          errors={errors.new_password}
        />
        <button type="submit" className="button button--primary" aria-disabled={changed.isPending}>
          Change password
        </button>
      </form>
    </section>
  );
}
