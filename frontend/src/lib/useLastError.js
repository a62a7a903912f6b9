import { useState } from 'react';

/**
 * A query's error, until there is an answer. The query itself forgets it each time it asks anew without ever having had
 * one, and what is shown would blink.
 * @template {Error} Failure
 * @param {{error: Failure | null, isPending: boolean}} query
 * @returns {Failure | null}
 */
export function useLastError({ error, isPending }) {
  const [last, setLast] = useState(error);
  const current = error ?? (isPending ? last : null);
  if (current !== last) {
    setLast(current);
  }
  return current;
}
