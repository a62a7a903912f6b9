import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { RUN_POLL_INTERVAL_MS } from '../lib/pollIntervals.js';
import { retryDelay, shouldRetry } from '../lib/retryPolicy.js';
import { useStickyError } from '../lib/useStickyError.js';
import { get, isMissing, post } from './client.js';
import { ROOT, runKeys, START_TIMEOUT_SECONDS } from './runs.js';

/**
 * @typedef {import('./schema').components['schemas']['RunCompany']} RunCompany
 * @typedef {import('./schema').components['schemas']['RunCompanies']} RunCompaniesPage
 */

/**
 * A page of the companies of a run, the failed ones first. It is fetched again when the run has changed.
 * @param {import('./runs.js').Run} run
 * @param {string | null} after the `next` of the page before
 */
export function useRunCompanies({ run_id: runId, revision, companies_reading: reading }, after) {
  const query = useQuery({
    // A board that begins to be read does not change the revision.
    queryKey: [...runKeys.run(runId), 'companies', after, revision, reading],
    /** @returns {Promise<RunCompaniesPage>} */
    queryFn: ({ signal }) => {
      const parameters = new URLSearchParams({ limit: '50', ...(after && { after }) });
      return get(`${ROOT}/runs/${runId}/companies?${parameters}`, signal);
    },
    placeholderData: keepPreviousData,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchInterval: ({ state: { error } }) => (error && !isMissing(error) ? RUN_POLL_INTERVAL_MS : false),
  });
  return { page: query.data, isStale: query.isPlaceholderData, error: useStickyError(query) };
}

/**
 * Start a run of the companies that failed in an ended run; the result is its id. As with a start, the same `key` never
 * starts two.
 * @param {number} runId
 */
export function useRetryRun(runId) {
  const client = useQueryClient();
  return useMutation({
    /** @param {string} key @returns {Promise<number>} */
    mutationFn: async (key) => {
      const options = { seconds: START_TIMEOUT_SECONDS, headers: { 'Idempotency-Key': `"${key}"` } };
      return (await post(`${ROOT}/runs/${runId}/retry`, undefined, options)).run_id;
    },
    retry: shouldRetry,
    retryDelay,
    onSettled: () => void client.invalidateQueries({ queryKey: runKeys.current }),
  });
}

/**
 * Answer the question about the closings of a run. Whatever the answer of the server, the run is fetched again.
 * @param {number} runId
 */
export function useAnswerClosings(runId) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (/** @type {boolean} */ expire) => post(`${ROOT}/runs/${runId}/closings`, { expire }),
    onSuccess: () => client.invalidateQueries({ queryKey: runKeys.run(runId) }),
    onError: () => void client.invalidateQueries({ queryKey: runKeys.run(runId), exact: true }),
  });
}
