import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { get, post, remove } from './client.js';

/** @typedef {import('./schema').components['schemas']['Credential']} Credential */

const ROOT = '/api/auth';

export const accountKeys = { credentials: ['credentials'] };

/** The user's sessions and tokens, page by page. */
export function useCredentials() {
  const query = useInfiniteQuery({
    queryKey: accountKeys.credentials,
    /** @returns {Promise<{credentials: Credential[], next: string | null}>} */
    queryFn: ({ pageParam, signal }) => get(`${ROOT}/credentials${after(pageParam)}`, signal),
    initialPageParam: /** @type {string | null} */ (null),
    getNextPageParam: ({ next }) => next,
  });
  return {
    credentials: query.data?.pages.flatMap((page) => page.credentials),
    error: query.error,
    fetchMore: query.hasNextPage ? query.fetchNextPage : null,
    isLoading: query.isFetching,
  };
}

/** @param {string | null} next the `next` of the previous page */
function after(next) {
  return next === null ? '' : `?${new URLSearchParams({ after: next })}`;
}

/** Create a token. Only this answer contains it. */
export function useCreateToken() {
  return useCredentialMutation((/** @type {{name: string, expires_in_days: number | null}} */ body) =>
    post(`${ROOT}/credentials`, body),
  );
}

/** End a session or revoke a token. */
export function useRevokeCredential() {
  return useCredentialMutation((/** @type {number} */ id) => remove(`${ROOT}/credentials/${id}`));
}

/** Change the password. All tokens and all other sessions end with it. */
export function useChangePassword() {
  return useCredentialMutation((/** @type {{current_password: string, new_password: string}} */ body) =>
    post(`${ROOT}/password`, body),
  );
}

/** Delete the account with everything that belongs to it, and drop all cached data by loading the page anew. */
export function useDeleteAccount() {
  return useMutation({
    mutationFn: (/** @type {string} */ password) => post(`${ROOT}/delete`, { password }),
    onSuccess: () => window.location.assign('/'),
  });
}

/**
 * A change after which the list of credentials is fetched again.
 * @template Variables
 * @param {(variables: Variables) => Promise<any>} mutationFn
 */
function useCredentialMutation(mutationFn) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () => client.invalidateQueries({ queryKey: accountKeys.credentials }),
  });
}
