import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';

/** Who is signed in; see useSession. */
export const SESSION = ['session'];

/** One client for the page. The one place that handles a 401, whatever was asked. */
export function makeQueryClient() {
  const noteSignedOut = (error) => {
    if (error.code === 'unauthenticated') {
      client.setQueryData(SESSION, null);
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
  return client;
}
