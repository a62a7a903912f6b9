import { useSignOut } from '../../api/session.js';
import './SignOut.css';

/** Ends this session. */
export default function SignOut() {
  const signOut = useSignOut();
  return (
    <button
      type="button"
      className="so-button"
      aria-disabled={signOut.isPending}
      onClick={() => !signOut.isPending && signOut.mutate()}
    >
      {signOut.isError ? 'Not signed out, try again' : 'Sign out'}
    </button>
  );
}
