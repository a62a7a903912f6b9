import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useStickyError } from '../lib/useStickyError.js';
import { get, isMissing } from './client.js';

/**
 * @typedef {import('./schema').components['schemas']['Job']} Job
 * @typedef {import('./schema').components['schemas']['WholeJob']} WholeJob
 * @typedef {import('./schema').components['schemas']['JobsPage']} JobsPage
 * @typedef {import('./schema').components['schemas']['JobEvent']} JobEvent
 * @typedef {import('./schema').components['schemas']['Salary']} Salary
 * @typedef {{q: string | null, state: string | null, run: string | null, after: string | null}} JobFilter
 */

const ROOT = '/api/ingestion/jobs';
const PAGE_SIZE = 50;
const RETRY_INTERVAL_MS = 1500;

export const jobKeys = {
  list: (filter) => ['jobs', filter],
  job: (jobId) => ['jobs', 'job', String(jobId)],
};

const retryInterval = ({ state: { error } }) => (error && !isMissing(error) ? RETRY_INTERVAL_MS : false);

/**
 * A page of the user's jobs, newest found first.
 * @param {JobFilter} filter
 */
export function useJobs(filter) {
  const query = useQuery({
    queryKey: jobKeys.list(filter),
    /** @returns {Promise<JobsPage>} */
    queryFn: ({ signal }) => {
      const parameters = Object.entries({ ...filter, limit: PAGE_SIZE })
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, String(value)]);
      return get(`${ROOT}?${new URLSearchParams(parameters)}`, signal);
    },
    placeholderData: keepPreviousData,
    // A run may have changed the jobs since an earlier visit.
    gcTime: 0,
    refetchInterval: retryInterval,
  });
  return { page: query.data, isStale: query.isPlaceholderData, error: useStickyError(query) };
}

/**
 * One job with its text and its history.
 * @param {string} jobId
 */
export function useJob(jobId) {
  const query = useQuery({
    queryKey: jobKeys.job(jobId),
    /** @returns {Promise<WholeJob>} */
    queryFn: ({ signal }) => get(`${ROOT}/${encodeURIComponent(jobId)}`, signal),
    gcTime: 0,
    refetchInterval: retryInterval,
  });
  return { job: query.data, error: useStickyError(query) };
}
