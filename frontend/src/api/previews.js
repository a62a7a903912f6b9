import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { pauseOf } from '../lib/polling.js';
import { useLastError } from '../lib/useLastError.js';
import { get, post } from './client.js';
import { isMissing } from './queries.js';

/**
 * @typedef {import('./schema').components['schemas']['Preview']} Preview
 * @typedef {import('./schema').components['schemas']['PreviewCompany']} PreviewCompany
 * @typedef {import('./schema').components['schemas']['Posting']} Posting
 * @typedef {import('./schema').components['schemas']['WholePosting']} PostingText
 * @typedef {{company?: number, taken?: boolean, search?: string}} Wanted
 */

const ROOT = '/api/ingestion/dry-run';
const LATEST = ['dry-run', 'latest'];
const RETRY_MS = 1500;
const PAGE = 100;

/** The id of the latest preview, null for none; another tab may make one. */
export function useLatestPreview() {
  const query = useQuery({
    queryKey: LATEST,
    /** @returns {Promise<number | null>} */
    queryFn: async ({ signal }) => (await get(ROOT, signal)).preview_id,
    // What an earlier visit knew may have been replaced since.
    gcTime: 0,
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : false),
  });
  return { previewId: query.data, look: query.refetch, error: useLastError(query) };
}

/** A preview, asked for until it is finished, and then now and then, whether it still fits the settings. */
export function usePreview(previewId) {
  const query = useQuery({
    queryKey: ['dry-run', previewId],
    enabled: Number.isInteger(previewId),
    /** @returns {Promise<Preview>} */
    queryFn: ({ signal }) => get(`${ROOT}/${previewId}`, signal),
    gcTime: 0,
    // Without an answer it is asked for as if it were under way: what is not known is worth knowing soon.
    refetchInterval: ({ state: { data, error } }) =>
      isMissing(error) ? false : error && data?.is_finished ? RETRY_MS : pauseOf(data),
  });
  return { preview: query.data, error: useLastError(query) };
}

/** Makes a preview, or finds the one under way; it is the latest from then on. */
export function useMakePreview() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => (await post(ROOT)).preview_id,
    onSuccess: async (/** @type {number} */ previewId) => {
      await client.cancelQueries({ queryKey: LATEST });
      client.setQueryData(LATEST, previewId);
      void client.invalidateQueries({ queryKey: ['dry-run', previewId], exact: true });
    },
    // Without an answer there may be one all the same.
    onError: () => void client.invalidateQueries({ queryKey: LATEST }),
  });
}

/**
 * Postings of a preview, page by page.
 * @param {number} previewId
 * @param {Wanted} wanted
 * @param {boolean} isFinished while it is not, the same question may have more answers later
 */
export function usePostings(previewId, wanted, isFinished) {
  const query = useInfiniteQuery({
    queryKey: ['dry-run', previewId, 'postings', wanted, isFinished],
    /** @returns {Promise<{postings: Posting[], next_after: number | null}>} */
    queryFn: ({ pageParam, signal }) => {
      const given = Object.entries({ ...wanted, after: pageParam, limit: PAGE })
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => [name, String(value)]);
      return get(`${ROOT}/${previewId}/postings?${new URLSearchParams(given)}`, signal);
    },
    initialPageParam: /** @type {number | null} */ (null),
    getNextPageParam: ({ next_after: after }) => after,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return {
    postings: query.data?.pages.flatMap((page) => page.postings),
    isOld: query.isPlaceholderData,
    more: query.hasNextPage ? query.fetchNextPage : null,
    isLoading: query.isFetching,
    error: useLastError(query),
    again: query.refetch,
  };
}

/** One posting with its text. */
export function usePosting(previewId, postingId) {
  const query = useQuery({
    queryKey: ['dry-run', previewId, 'posting', postingId],
    /** @returns {Promise<PostingText>} */
    queryFn: ({ signal }) => get(`${ROOT}/${previewId}/postings/${postingId}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return { posting: query.data, error: useLastError(query), again: query.refetch };
}
