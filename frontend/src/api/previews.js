import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { previewPollInterval } from '../lib/pollIntervals.js';
import { useStickyError } from '../lib/useStickyError.js';
import { get, isMissing, post } from './client.js';

/**
 * @typedef {import('./schema').components['schemas']['Preview']} Preview
 * @typedef {import('./schema').components['schemas']['PreviewCompany']} PreviewCompany
 * @typedef {import('./schema').components['schemas']['Posting']} Posting
 * @typedef {import('./schema').components['schemas']['WholePosting']} PostingWithText
 * @typedef {{company?: number, matched?: boolean, search?: string}} PostingFilter
 */

const ROOT = '/api/ingestion/dry-run';
const RETRY_INTERVAL_MS = 1500;
const PAGE_SIZE = 100;

export const previewKeys = {
  latest: ['previews', 'latest'],
  preview: (previewId) => ['previews', previewId],
  postings: (previewId, filter, isFinished) => ['previews', previewId, 'postings', filter, isFinished],
  posting: (previewId, postingId) => ['previews', previewId, 'posting', postingId],
};

/**
 * Matches the latest id and every preview, but not their postings.
 * @param {{queryKey: readonly unknown[]}} query
 */
export const isPreviewQuery = ({ queryKey: [noun, ...rest] }) => noun === 'previews' && rest.length === 1;

/** The id of the latest preview, or null. Another tab may create one. */
export function useLatestPreview() {
  const query = useQuery({
    queryKey: previewKeys.latest,
    /** @returns {Promise<number | null>} */
    queryFn: async ({ signal }) => (await get(ROOT, signal)).preview_id,
    // The id of an earlier visit may have been replaced since.
    gcTime: 0,
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_INTERVAL_MS : false),
  });
  return { previewId: query.data, refetch: query.refetch, error: useStickyError(query) };
}

/** A preview, polled until it is finished; afterwards, less often, for changes of `is_current`. */
export function usePreview(previewId) {
  const query = useQuery({
    queryKey: previewKeys.preview(previewId),
    enabled: Number.isInteger(previewId),
    /** @returns {Promise<Preview>} */
    queryFn: ({ signal }) => get(`${ROOT}/${previewId}`, signal),
    gcTime: 0,
    // After a failed request, retry sooner than the interval of a finished preview.
    refetchInterval: ({ state: { data, error } }) =>
      isMissing(error) ? false : error && data?.is_finished ? RETRY_INTERVAL_MS : previewPollInterval(data),
  });
  return { preview: query.data, asOf: query.dataUpdatedAt, error: useStickyError(query) };
}

/**
 * Create a preview, or find the unfinished one. It becomes the latest. With `refresh`, only readings of the boards of the
 * last minute count.
 */
export function useCreatePreview() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (/** @type {{refresh: boolean}} */ { refresh }) =>
      (await post(ROOT, refresh ? { refresh } : undefined)).preview_id,
    onSuccess: async (/** @type {number} */ previewId) => {
      await client.cancelQueries({ queryKey: previewKeys.latest });
      client.setQueryData(previewKeys.latest, previewId);
      void client.invalidateQueries({ queryKey: previewKeys.preview(previewId), exact: true });
    },
    // The answer may have been lost after the preview was created.
    onError: () => void client.invalidateQueries({ queryKey: previewKeys.latest }),
  });
}

/**
 * The postings of a preview, page by page.
 * @param {number} previewId
 * @param {PostingFilter} filter
 * @param {boolean} isFinished while false, the same filter may match more postings later
 */
export function usePostings(previewId, filter, isFinished) {
  const query = useInfiniteQuery({
    queryKey: previewKeys.postings(previewId, filter, isFinished),
    /** @returns {Promise<{postings: Posting[], next_after: number | null}>} */
    queryFn: ({ pageParam, signal }) => {
      const parameters = Object.entries({ ...filter, after: pageParam, limit: PAGE_SIZE })
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => [name, String(value)]);
      return get(`${ROOT}/${previewId}/postings?${new URLSearchParams(parameters)}`, signal);
    },
    initialPageParam: /** @type {number | null} */ (null),
    getNextPageParam: ({ next_after: after }) => after,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return {
    postings: query.data?.pages.flatMap((page) => page.postings),
    isStale: query.isPlaceholderData,
    fetchMore: query.hasNextPage ? query.fetchNextPage : null,
    isLoading: query.isFetching,
    error: useStickyError(query),
    retry: query.refetch,
  };
}

/** One posting with its description. */
export function usePosting(previewId, postingId) {
  const query = useQuery({
    queryKey: previewKeys.posting(previewId, postingId),
    /** @returns {Promise<PostingWithText>} */
    queryFn: ({ signal }) => get(`${ROOT}/${previewId}/postings/${postingId}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return { posting: query.data, error: useStickyError(query), retry: query.refetch };
}
