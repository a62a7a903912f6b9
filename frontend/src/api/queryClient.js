import { focusManager, MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { sessionKeys } from './session.js';

// Another window may change data while this one stays visible, so focus counts as well as visibility.
focusManager.setEventListener((onFocus) => {
  const handleFocus = () => onFocus();
  window.addEventListener('visibilitychange', handleFocus);
  window.addEventListener('focus', handleFocus);
  return () => {
    window.removeEventListener('visibilitychange', handleFocus);
    window.removeEventListener('focus', handleFocus);
  };
});

/** Create the page's query client. It handles a 401 of any request in one place. */
export function createQueryClient() {
  const handleSignedOut = (error) => {
    if (error.code === 'unauthenticated') {
      client.setQueryData(sessionKeys.me, null);
    }
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: handleSignedOut }),
    mutationCache: new MutationCache({ onError: handleSignedOut }),
    defaultOptions: {
      // The server may run on this machine, so the browser's online state is irrelevant. The next poll retries a failed
      // query sooner than a backoff would.
      queries: { networkMode: 'always', retry: false, staleTime: 0, refetchOnWindowFocus: 'always' },
      mutations: { networkMode: 'always' },
    },
  });
  return client;
}
