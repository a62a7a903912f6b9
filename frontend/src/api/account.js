import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, post, remove } from './client.js';

/** @typedef {import('./schema').components['schemas']['Credential']} Credential */

const ROOT = '/api/auth';
const CREDENTIALS = ['credentials'];

/** One's sessions and tokens. */
export function useCredentials() {
  return useQuery({
    queryKey: CREDENTIALS,
    /** @returns {Promise<Credential[]>} */
    queryFn: async ({ signal }) => (await get(`${ROOT}/credentials`, signal)).credentials,
  });
}

/** Makes a token; the answer has it, and nobody will see it again. */
export function useMakeToken() {
  return useChange((/** @type {{name: string, expires_in_days: number | null}} */ given) =>
    post(`${ROOT}/credentials`, given),
  );
}

/** Ends a session or a token. */
export function useRevoke() {
  return useChange((/** @type {number} */ id) => remove(`${ROOT}/credentials/${id}`));
}

/** Changes the password, which ends everything but this session. */
export function useChangePassword() {
  return useChange((/** @type {{current_password: string, new_password: string}} */ given) =>
    post(`${ROOT}/password`, given),
  );
}

/**
 * A change after which the list is looked at anew.
 * @template Given
 * @param {(given: Given) => Promise<any>} mutationFn
 */
function useChange(mutationFn) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () => client.invalidateQueries({ queryKey: CREDENTIALS }),
  });
}
