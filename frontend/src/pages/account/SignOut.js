import { useSignOut } from '../../api/session.js';
import { signInMessages } from '../../messages/account.js';
import './SignOut.css';

/** The button that ends this session. */
export default function SignOut() {
  const signOut = useSignOut();
  return (
    <button
      type="button"
      className="so-button"
      aria-disabled={signOut.isPending}
      onClick={() => !signOut.isPending && signOut.mutate()}
    >
      {signOut.isError ? signInMessages.retrySignOut : 'Sign out'}
    </button>
  );
}
