import { useMutation, useQuery } from '@tanstack/react-query';
import { get, post } from './client.js';

/**
 * @typedef {import('./schema').components['schemas']['SuggestedCompany']} Starter
 * @typedef {import('./schema').components['schemas']['Source']} Source
 * @typedef {import('./schema').components['schemas']['Detected']} Detected
 * @typedef {{url: string} | {source: string, board: string}} Wanted
 */

const ROOT = '/api/ingestion';
const RETRY_MS = 4000;
/** Some systems take most of a minute; the server gives up before this. */
const DETECT_SECONDS = 70;

/** The systems that can be read, and well-known boards to begin with. They change with a release. */
export function useSources() {
  return useQuery({
    queryKey: ['sources'],
    /** @returns {Promise<{sources: Source[], starters: Starter[]}>} */
    queryFn: ({ signal }) => get(`${ROOT}/sources`, signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : false),
  });
}

/**
 * Looks at a board; nothing is saved by it.
 * @param {(found: Detected, wanted: Wanted) => void} onFound told even if nobody waits for it any more
 */
export function useDetect(onFound) {
  return useMutation({
    /** @param {{wanted: Wanted, signal: AbortSignal}} given */
    mutationFn: ({ wanted, signal }) =>
      post(`${ROOT}/companies/detect`, wanted, { signal, seconds: DETECT_SECONDS }),
    onSuccess: (found, { wanted }) => onFound(found, wanted),
  });
}
