import { skipToken, useQuery } from '@tanstack/react-query';
import { SESSION } from './queryClient.js';

/**
 * Whether somebody is signed in: yes, until the server answers 401.
 * @typedef {{signedIn: boolean}} Session
 */
export function useSession() {
  const query = useQuery({ queryKey: SESSION, queryFn: skipToken });
  const session = /** @type {Session | undefined} */ (query.data);
  return { signedIn: session?.signedIn ?? true };
}
