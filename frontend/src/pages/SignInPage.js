import { useEffect, useRef } from 'react';
import { useSignIn } from '../api/session.js';
import Banner from '../components/Banner.js';
import Field from '../components/Field.js';
import './SignInPage.css';

/**
 * Signing in. It stands in front of the page that was asked for, which is there again afterwards as it was.
 * @param {{expired: boolean}} props whether somebody was signed in until now
 */
export default function SignInPage({ expired }) {
  const signIn = useSignIn();
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    if (expired) {
      heading.current?.focus();
    }
  }, [expired]);
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  function submit(event) {
    event.preventDefault();
    if (!signIn.isPending) {
      const given = new FormData(event.currentTarget);
      signIn.mutate({ email: String(given.get('email')), password: String(given.get('password')) });
    }
  }
  return (
    <div className="si-page">
      <title>Sign in · Job Ingestion</title>
      <h1 tabIndex={-1} ref={heading}>
        Sign in
      </h1>
      {expired && <p>Your session has ended. Sign in to go on where you were; nothing you typed is lost.</p>}
      {signIn.error && (
        <Banner tone="danger" role="alert">
          {reason(signIn.error)}
        </Banner>
      )}
      <form className="panel si-form" onSubmit={submit}>
        <Field label="E-mail" name="email" type="email" autoComplete="username" required maxLength={255} />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          maxLength={1024}
        />
        <button type="submit" className="button button--primary" aria-disabled={signIn.isPending}>
          {signIn.isPending ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </div>
  );
}

/** @param {import('../api/client.js').ApiError} error */
function reason({ code, message, retryAfter }) {
  if (code === 'too_many_requests') {
    return `There were too many tries. Try again in ${Math.ceil((retryAfter ?? 60) / 60)} min.`;
  }
  return code === 'sign_in_refused' ? message : `You could not be signed in. ${message}`;
}
