import { useChangePassword } from '../../api/account.js';
import Banner from '../../components/Banner.js';
import Field from '../../components/Field.js';
import { accountChanges, accountMessages } from '../../messages/account.js';
import { changeError } from '../../messages/errors.js';
import './PasswordForm.css';

/**
 * The form that changes the password.
 * @param {{email: string}} props for password managers, which identify the account by it
 */
export default function PasswordForm({ email }) {
  const change = useChangePassword();
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    if (!change.isPending) {
      change.mutate(
        { current_password: String(data.get('current')), new_password: String(data.get('new')) },
        { onSuccess: () => form.reset() },
      );
    }
  }
  const errors = change.error?.problem.errors ?? {};
  return (
    <section className="panel pf-section" aria-labelledby="pf-title">
      <h2 id="pf-title">Change password</h2>
      <p className="quiet">{accountMessages.passwordHelp}</p>
      {change.error && (
        <Banner tone="danger" role="alert" onDismiss={change.reset}>
          {changeError(accountChanges.password, change.error)}
        </Banner>
      )}
      <div role="status">
        {change.isSuccess && <Banner tone="info">{accountMessages.passwordChanged}</Banner>}
      </div>
      <form className="pf-form" onSubmit={submit}>
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
          hint={accountMessages.passwordHint}
          name="new"
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
          maxLength={1024}
          errors={errors.new_password}
        />
        <button type="submit" className="button button--primary" aria-disabled={change.isPending}>
          Change password
        </button>
      </form>
    </section>
  );
}
