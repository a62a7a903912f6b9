import { useCreateToken } from '../../api/account.js';
import Banner from '../../components/Banner.js';
import CopyButton from '../../components/CopyButton.js';
import Field from '../../components/Field.js';
import { accountChanges, accountMessages } from '../../messages/account.js';
import { changeError } from '../../messages/errors.js';
import './NewToken.css';

/** The form that creates a token for curl and programs, and shows it once. */
export default function NewToken() {
  const create = useCreateToken();
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    if (!create.isPending) {
      const days = String(data.get('days'));
      create.mutate(
        { name: String(data.get('name')), expires_in_days: days ? Number(days) : null },
        { onSuccess: () => form.reset() },
      );
    }
  }
  const { errors = {} } = create.error?.problem ?? {};
  return (
    <section className="panel nt-section" aria-labelledby="nt-title">
      <h2 id="nt-title">New token</h2>
      <p className="quiet">
        With a token, curl or a program can do everything you can do here. Send it as{' '}
        <code>Authorization: Bearer TOKEN</code>.
      </p>
      {create.error && !create.error.problem.errors && (
        <Banner tone="danger" role="alert" onDismiss={create.reset}>
          {changeError(accountChanges.token, create.error)}
        </Banner>
      )}
      <form className="nt-form" onSubmit={submit}>
        <Field
          label="Token name"
          name="name"
          required
          maxLength={100}
          errors={errors.name}
          autoComplete="off"
        />
        <Field
          label="Expires after (days)"
          hint={accountMessages.tokenExpiryHint}
          name="days"
          type="number"
          min={1}
          max={3660}
          errors={errors.expires_in_days}
        />
        <button type="submit" className="button button--primary" aria-disabled={create.isPending}>
          Create token
        </button>
      </form>
      <div role="status">
        {create.data && (
          <div className="nt-token">
            <p>{accountMessages.tokenCreated}</p>
            <p>
              <code className="nt-secret">{create.data.token}</code>
            </p>
            <CopyButton text={create.data.token} label="Copy the token" />
          </div>
        )}
      </div>
    </section>
  );
}
