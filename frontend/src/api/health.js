import { useQuery } from '@tanstack/react-query';
import { get } from './client.js';

/** @typedef {import('./schema').components['schemas']['Ready']} Health */

const INTERVAL_MS = 5000;

export const healthKeys = { ready: ['health'] };

/**
 * The state of the server's parts; undefined until it is known, or without an answer.
 * @param {boolean} isWanted
 * @returns {Health | undefined}
 */
export function useHealth(isWanted) {
  const query = useQuery({
    queryKey: healthKeys.ready,
    enabled: isWanted,
    /** @returns {Promise<Health>} */
    queryFn: ({ signal }) => get('/readyz', signal),
    // An earlier state may no longer hold.
    gcTime: 0,
    refetchInterval: INTERVAL_MS,
  });
  return isWanted && !query.error ? query.data : undefined;
}
