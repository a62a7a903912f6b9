import { focusManager, MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';

/** Who is signed in; see useSession. */
export const SESSION = ['session'];

// A window beside this one changes things too, and this one is in sight all the time: that it gets the focus counts as well.
focusManager.setEventListener((look) => {
  const noteFocus = () => look();
  window.addEventListener('visibilitychange', noteFocus);
  window.addEventListener('focus', noteFocus);
  return () => {
    window.removeEventListener('visibilitychange', noteFocus);
    window.removeEventListener('focus', noteFocus);
  };
});

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
