import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { isWorthRetrying, pauseBeforeRetry } from '../lib/retrying.js';
import { useIsOld } from '../lib/useIsOld.js';
import { useLastError } from '../lib/useLastError.js';
import { get, post } from './client.js';

/** @typedef {import('./schema').components['schemas']['Run']} Run */
/** @typedef {import('./schema').components['schemas']['Event']} RunEvent */

const ROOT = '/api/ingestion';
const RUN_POLL_MS = 1500;
const IDLE_POLL_MS = 4000;
/** Less than for other changes: a start that took longer is only asked for again. */
const START_SECONDS = 8;

const keys = {
  currentRun: ['current-run'],
  // The address has the id as text, the server as a number; it is the same run.
  run: (runId) => ['run', String(runId)],
  events: (runId, status) => [...keys.run(runId), 'events', status],
  runs: (status, before) => ['runs', status, before],
};

/** The id of the active run or null, kept fresh, because another tab or device may start one. */
export function useCurrentRun() {
  const query = useQuery({
    queryKey: keys.currentRun,
    queryFn: async ({ signal }) => (await get(`${ROOT}/current-run`, signal)).run_id,
    // What an earlier visit knew is no basis for sending anybody anywhere.
    gcTime: 0,
    refetchInterval: IDLE_POLL_MS,
  });
  return { activeRun: query.data, error: useLastError(query) };
}

/** A run, asked for until it has ended; in a hidden tab too, whose title and icon show the status. */
export function useRun(runId) {
  const query = useQuery({
    queryKey: keys.run(runId),
    /** @returns {Promise<Run>} */
    queryFn: ({ signal }) => get(`${ROOT}/runs/${encodeURIComponent(runId)}`, signal),
    // A status of minutes ago, were it kept, would be shown as the present one.
    gcTime: 0,
    refetchInterval: ({ state }) => (isSettled(state) ? false : RUN_POLL_MS),
    refetchIntervalInBackground: true,
    refetchOnWindowFocus: ({ state }) => (isSettled(state) ? false : 'always'),
  });
  const asOf = query.dataUpdatedAt;
  const isOld = useIsOld(asOf, query.data?.is_active === true);
  return { run: query.data, asOf, isOld, error: useLastError(query) };
}

/** What happened to a run; asked for when its status is another one than before. */
export function useRunEvents(runId, status) {
  return useQuery({
    queryKey: keys.events(runId, status),
    /** @returns {Promise<RunEvent[]>} */
    queryFn: async ({ signal }) =>
      (await get(`${ROOT}/runs/${encodeURIComponent(runId)}/events`, signal)).events,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
    refetchInterval: ({ state }) => (state.status === 'error' ? RUN_POLL_MS : false),
  });
}

/** A page of the history; asked for again while a run on it may still change, or while there is no answer. */
export function useRuns(status, before) {
  const query = useQuery({
    queryKey: keys.runs(status, before),
    /** @returns {Promise<{runs: Run[], next_before: number | null}>} */
    queryFn: ({ signal }) => {
      const given = Object.entries({ status, before }).filter(([, value]) => value !== null);
      return get(`${ROOT}/runs?${new URLSearchParams([['limit', '20'], ...given])}`, signal);
    },
    // As with a run: what stood here minutes ago is not shown as the present.
    gcTime: 0,
    refetchInterval: ({ state }) => {
      const live = state.status === 'error' || state.data?.runs.some((run) => run.is_active);
      return live && !isMissing(state.error) ? IDLE_POLL_MS : false;
    },
  });
  return { page: query.data, error: useLastError(query) };
}

/**
 * Starts a run of what a preview shows; the answer is its id. An answer that is lost is asked for again: by its `key` the
 * server knows that it is the same start, and names the run that it has started.
 */
export function useStartRun() {
  const client = useQueryClient();
  return useMutation({
    /** @param {{previewId: number, key: string}} start @returns {Promise<number>} */
    mutationFn: async ({ previewId, key }) => {
      const more = { seconds: START_SECONDS, headers: { 'Idempotency-Key': `"${key}"` } };
      return (await post(`${ROOT}/start`, { preview_id: previewId }, more)).run_id;
    },
    retry: isWorthRetrying,
    retryDelay: pauseBeforeRetry,
    // Without an answer it may have started all the same. The one that was in the way is named by the answer.
    // What is wrong with the preview it will say itself.
    onError: ({ code }) => {
      if (code !== 'run_active') {
        void client.invalidateQueries({ queryKey: keys.currentRun });
      }
      if (code.startsWith('preview_')) {
        void client.invalidateQueries({
          predicate: ({ queryKey: [kind, ...rest] }) => kind === 'dry-run' && rest.length === 1,
        });
      }
    },
  });
}

/**
 * Aborts a run. Whatever the answer, the run is looked at again: what the page shows is what the server says. It is under
 * way until that is seen.
 */
export function useAbortRun(runId) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => post(`${ROOT}/abort/${encodeURIComponent(runId)}`),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.run(runId), exact: true }),
    onError: () => void client.invalidateQueries({ queryKey: keys.run(runId), exact: true }),
  });
}

/** Whether the server knows that there is nothing there, so that asking again is of no use. */
export function isMissing(error) {
  return error?.status === 404 || error?.status === 422;
}

function isSettled({ data, error }) {
  return isMissing(error) || (!error && data?.is_active === false);
}
