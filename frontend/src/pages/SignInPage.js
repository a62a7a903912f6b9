import { useEffect, useRef } from 'react';
import { useSignIn } from '../api/session.js';
import Banner from '../components/Banner.js';
import Field from '../components/Field.js';
import { signInError, signInMessages } from '../messages/account.js';
import './SignInPage.css';

/**
 * The sign-in form. It covers the requested page, which appears after the sign-in.
 * @param {{expired: boolean}} props `expired` if a session has just ended
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
      const form = new FormData(event.currentTarget);
      signIn.mutate({ email: String(form.get('email')), password: String(form.get('password')) });
    }
  }
  return (
    <div className="si-page">
      <title>Sign in · Job Ingestion</title>
      <h1 tabIndex={-1} ref={heading}>
        Sign in
      </h1>
      {expired && <p>{signInMessages.expired}</p>}
      {signIn.error && (
        <Banner tone="danger" role="alert">
          {signInError(signIn.error)}
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
