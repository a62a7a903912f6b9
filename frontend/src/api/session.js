import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useStickyError } from '../lib/useStickyError.js';
import { get, post } from './client.js';

/** @typedef {import('./schema').components['schemas']['Me']} Me */

const ROOT = '/api/auth';
const RETRY_INTERVAL_MS = 1500;

export const sessionKeys = { me: ['session'] };

/**
 * The signed-in user: `user` is null for nobody and undefined before the first answer. With AUTH=local it is the
 * machine's only user, and there is no sign-in or sign-out (`isLocal`).
 */
export function useSession() {
  const query = useQuery({
    queryKey: sessionKeys.me,
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
    // Another tab may have signed out, or in as another user.
    refetchOnWindowFocus: ({ state }) => (state.data?.auth === 'local' ? false : 'always'),
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_INTERVAL_MS : false),
  });
  return { user: query.data, isLocal: query.data?.auth === 'local', error: useStickyError(query) };
}

/** Sign in. The page behind the form then continues. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    /** @param {{email: string, password: string}} body */
    mutationFn: async (body) => {
      await post(`${ROOT}/login`, body);
      return get(`${ROOT}/me`);
    },
    onSuccess: (/** @type {Me} */ user) => client.setQueryData(sessionKeys.me, user),
  });
}

/** Sign out, and drop all cached data by loading the page anew. */
export function useSignOut() {
  return useMutation({
    mutationFn: () => post(`${ROOT}/logout`),
    onSuccess: () => window.location.assign('/'),
  });
}
