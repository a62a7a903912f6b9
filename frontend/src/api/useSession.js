import { skipToken, useQuery } from '@tanstack/react-query';
import { SESSION } from './queryClient.js';

/** Whether somebody is signed in: yes, until the server answers 401. */
export function useSession() {
  const { data } = useQuery({ queryKey: SESSION, queryFn: skipToken, initialData: { signedIn: true } });
  return data;
}
