import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IDLE_POLL_INTERVAL_MS, RUN_POLL_INTERVAL_MS } from '../lib/pollIntervals.js';
import { retryDelay, shouldRetry } from '../lib/retryPolicy.js';
import { useIsStale } from '../lib/useIsStale.js';
import { useStickyError } from '../lib/useStickyError.js';
import { get, isMissing, post } from './client.js';
import { isPreviewQuery } from './previews.js';

/**
 * @typedef {import('./schema').components['schemas']['Run']} Run
 * @typedef {import('./schema').components['schemas']['RunsPage']} RunsPage
 * @typedef {import('./schema').components['schemas']['Event']} RunEvent
 * @typedef {import('./schema').components['schemas']['Closings']} Closings
 */

export const ROOT = '/api/ingestion';
/** Shorter than for other changes, because a start can be repeated safely. */
export const START_TIMEOUT_SECONDS = 8;

export const runKeys = {
  current: ['current-run'],
  // The address has the id as text, the server as a number.
  run: (runId) => ['run', String(runId)],
  events: (runId, status) => [...runKeys.run(runId), 'events', status],
  list: (status, before) => ['runs', status, before],
};

/** The id of the active run, or null; polled, because another tab or device may start one. */
export function useCurrentRun() {
  const query = useQuery({
    queryKey: runKeys.current,
    queryFn: async ({ signal }) => (await get(`${ROOT}/current-run`, signal)).run_id,
    // The page redirects to this run, so an id from an earlier visit must not be used.
    gcTime: 0,
    refetchInterval: IDLE_POLL_INTERVAL_MS,
  });
  return { activeRun: query.data, error: useStickyError(query) };
}

/** A run, polled until it has ended; in a hidden tab too, because title and icon show the status. */
export function useRun(runId) {
  const query = useQuery({
    queryKey: runKeys.run(runId),
    /** @returns {Promise<Run>} */
    queryFn: ({ signal }) => get(`${ROOT}/runs/${encodeURIComponent(runId)}`, signal),
    // A cached status may be minutes old and would be shown as the present one.
    gcTime: 0,
    refetchInterval: ({ state }) => (isSettled(state) ? false : RUN_POLL_INTERVAL_MS),
    refetchIntervalInBackground: true,
    // Another tab may answer the question that an ended run asks.
    refetchOnWindowFocus: ({ state }) =>
      isSettled(state) && state.data?.closings?.state !== 'asked' ? false : 'always',
  });
  const asOf = query.dataUpdatedAt;
  const isStale = useIsStale(asOf, query.data?.is_active === true);
  return { run: query.data, asOf, isStale, error: useStickyError(query) };
}

/** The timeline of a run; fetched again when its status changes. */
export function useRunEvents(runId, status) {
  return useQuery({
    queryKey: runKeys.events(runId, status),
    /** @returns {Promise<RunEvent[]>} */
    queryFn: async ({ signal }) =>
      (await get(`${ROOT}/runs/${encodeURIComponent(runId)}/events`, signal)).events,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
    refetchInterval: ({ state }) => (state.status === 'error' ? RUN_POLL_INTERVAL_MS : false),
  });
}

/** A page of the run history; polled while one of its runs is active, or after a failed request. */
export function useRuns(status, before) {
  const query = useQuery({
    queryKey: runKeys.list(status, before),
    /** @returns {Promise<RunsPage>} */
    queryFn: ({ signal }) => {
      const parameters = Object.entries({ status, before }).filter(([, value]) => value !== null);
      return get(`${ROOT}/runs?${new URLSearchParams([['limit', '20'], ...parameters])}`, signal);
    },
    // As in useRun: an old page must not be shown as the present one.
    gcTime: 0,
    refetchInterval: ({ state }) => {
      const mayChange = state.status === 'error' || state.data?.runs.some((run) => run.is_active);
      return mayChange && !isMissing(state.error) ? IDLE_POLL_INTERVAL_MS : false;
    },
  });
  return { page: query.data, error: useStickyError(query) };
}

/**
 * Start a run from a preview; the result is the run's id. A start without an answer is repeated with the same `key`: the
 * server recognises it and answers with the run it already started.
 */
export function useStartRun() {
  const client = useQueryClient();
  return useMutation({
    /** @param {{previewId: number, key: string}} start @returns {Promise<number>} */
    mutationFn: async ({ previewId, key }) => {
      const options = { seconds: START_TIMEOUT_SECONDS, headers: { 'Idempotency-Key': `"${key}"` } };
      return (await post(`${ROOT}/start`, { preview_id: previewId }, options)).run_id;
    },
    retry: shouldRetry,
    retryDelay,
    onError: ({ code }) => {
      // Without an answer, the run may have started. With `run_active`, the answer names the active run.
      if (code !== 'run_active') {
        void client.invalidateQueries({ queryKey: runKeys.current });
      }
      if (code.startsWith('preview_')) {
        void client.invalidateQueries({ predicate: isPreviewQuery });
      }
    },
  });
}

/** Abort a run. Whatever the answer, the run is fetched again; after a success the mutation waits for it. */
export function useAbortRun(runId) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => post(`${ROOT}/abort/${encodeURIComponent(runId)}`),
    onSuccess: () => client.invalidateQueries({ queryKey: runKeys.run(runId), exact: true }),
    onError: () => void client.invalidateQueries({ queryKey: runKeys.run(runId), exact: true }),
  });
}

function isSettled({ data, error }) {
  return isMissing(error) || (!error && data?.is_active === false);
}
