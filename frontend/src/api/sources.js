import { useMutation, useQuery } from '@tanstack/react-query';
import { get, post } from './client.js';

/**
 * @typedef {import('./schema').components['schemas']['SuggestedCompany']} SuggestedCompany
 * @typedef {import('./schema').components['schemas']['Source']} Source
 * @typedef {import('./schema').components['schemas']['Detected']} DetectedBoard
 * @typedef {{url: string} | {source: string, board: string}} BoardQuery
 */

const ROOT = '/api/ingestion';
const RETRY_INTERVAL_MS = 4000;
const STALE_AFTER_MS = 60_000;
/** Some sources take most of a minute. The server gives up before this. */
const DETECT_TIMEOUT_SECONDS = 70;

export const sourceKeys = { list: ['sources'] };

/** The supported sources, and suggested companies. They change with a release, or when the operator switches a source. */
export function useSources() {
  return useQuery({
    queryKey: sourceKeys.list,
    /** @returns {Promise<{sources: Source[], starters: SuggestedCompany[]}>} */
    queryFn: ({ signal }) => get(`${ROOT}/sources`, signal),
    staleTime: STALE_AFTER_MS,
    refetchOnWindowFocus: true,
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_INTERVAL_MS : false),
  });
}

/**
 * Find and read a board without saving anything.
 * @param {(board: DetectedBoard) => void} onDetected called even after the component unmounted
 */
export function useDetect(onDetected) {
  return useMutation({
    /** @param {{query: BoardQuery, signal: AbortSignal}} variables */
    mutationFn: ({ query, signal }) =>
      post(`${ROOT}/companies/detect`, query, { signal, seconds: DETECT_TIMEOUT_SECONDS }),
    onSuccess: (board) => onDetected(board),
  });
}
