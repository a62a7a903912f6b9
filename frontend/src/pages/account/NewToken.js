import { useMakeToken } from '../../api/account.js';
import Banner from '../../components/Banner.js';
import CopyButton from '../../components/CopyButton.js';
import Field from '../../components/Field.js';
import './NewToken.css';

/** Makes a token for curl and programs, and shows it this once. */
export default function NewToken() {
  const made = useMakeToken();
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    if (!made.isPending) {
      const days = String(given.get('days'));
      made.mutate(
        { name: String(given.get('name')), expires_in_days: days ? Number(days) : null },
        { onSuccess: () => form.reset() },
      );
    }
  }
  const { errors = {} } = made.error?.problem ?? {};
  return (
    <section className="panel nt-section" aria-labelledby="nt-title">
      <h2 id="nt-title">New token</h2>
      <p className="quiet">
        A token lets curl or a program do what you can do, as <code>Authorization: Bearer TOKEN</code>.
      </p>
      {made.error && !made.error.problem.errors && (
        <Banner tone="danger" role="alert" onDismiss={made.reset}>
          The token was not made. {made.error.message}
        </Banner>
      )}
      <form className="nt-form" onSubmit={submit}>
        <Field
          label="What it is for"
          name="name"
          required
          maxLength={100}
          errors={errors.name}
          autoComplete="off"
        />
        <Field
          label="Expires after days"
          hint="Empty: it does not expire."
          name="days"
          type="number"
          min={1}
          max={3660}
          errors={errors.expires_in_days}
        />
        <button type="submit" className="button button--primary" aria-disabled={made.isPending}>
          Make token
        </button>
      </form>
      <div role="status">
        {made.data && (
          <div className="nt-token">
            <p>This is your token. Copy it now: it is not shown again.</p>
            <p>
              <code className="nt-secret">{made.data.token}</code>
            </p>
            <CopyButton text={made.data.token} label="Copy the token" />
          </div>
        )}
      </div>
    </section>
  );
}
