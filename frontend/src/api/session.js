import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useLastError } from '../lib/useLastError.js';
import { get, post } from './client.js';
import { SESSION } from './queryClient.js';

/** @typedef {import('./schema').components['schemas']['Me']} Me */

const ROOT = '/api/auth';
const RETRY_MS = 1500;

/**
 * Who is signed in: `user` is null for nobody, undefined while that is not known yet. With AUTH=local it is the one
 * user of the machine, and there is nothing to sign in to or out of (`isLocal`).
 */
export function useSession() {
  const query = useQuery({
    queryKey: SESSION,
    /** @returns {Promise<Me | null>} */
    queryFn: async ({ signal }) => {
      try {
        return await get(`${ROOT}/me`, signal);
      } catch (error) {
        if (/** @type {import('./client.js').ApiError} */ (error).status === 401) {
          return null;
        }
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    // In another tab somebody may have signed out, or in.
    refetchOnWindowFocus: ({ state }) => (state.data?.auth === 'local' ? false : 'always'),
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : false),
  });
  return { user: query.data, isLocal: query.data?.auth === 'local', error: useLastError(query) };
}

/** Signs in; the page behind goes on where it was. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    /** @param {{email: string, password: string}} given */
    mutationFn: async (given) => {
      await post(`${ROOT}/login`, given);
      return get(`${ROOT}/me`);
    },
    onSuccess: (/** @type {Me} */ user) => client.setQueryData(SESSION, user),
  });
}

/** Signs out, and forgets everything that was shown. */
export function useSignOut() {
  return useMutation({
    mutationFn: () => post(`${ROOT}/logout`),
    onSuccess: () => window.location.assign('/'),
  });
}
