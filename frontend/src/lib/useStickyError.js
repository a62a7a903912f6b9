import { useState } from 'react';

/**
 * A query's error until its next answer. A query without data clears its error at every retry, and a message would
 * flicker.
 * @template {Error} Failure
 * @param {{error: Failure | null, isPending: boolean}} query
 * @returns {Failure | null}
 */
export function useStickyError({ error, isPending }) {
  const [last, setLast] = useState(error);
  const current = error ?? (isPending ? last : null);
  if (current !== last) {
    setLast(current);
  }
  return current;
}
