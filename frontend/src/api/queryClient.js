import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';

export const SESSION = ['session'];

/** One client for the page. The one place that handles a 401, whatever was asked. */
export function makeQueryClient() {
  const noteSignedOut = (error) => {
    if (error.status === 401) {
      client.setQueryData(SESSION, { signedIn: false });
    }
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: noteSignedOut }),
    mutationCache: new MutationCache({ onError: noteSignedOut }),
    defaultOptions: {
      // The server may be this machine's own: whether the browser thinks itself online says nothing. What fails is
      // asked again by the next poll, which is sooner than a back-off.
      queries: { networkMode: 'always', retry: false, staleTime: 0, refetchOnWindowFocus: 'always' },
      mutations: { networkMode: 'always' },
    },
  });
  client.setQueryDefaults(SESSION, { staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY });
  return client;
}
