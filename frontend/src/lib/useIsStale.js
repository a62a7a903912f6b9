import { timeoutManager } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { flushSync } from 'react-dom';

/** Longer than any request may take. */
const MAX_AGE_MS = 10_000;

/**
 * True if an answer may be out of date: the computer slept, the browser froze the page, or a request's timeout fires late,
 * as it does in a hidden tab. The next answer resets it.
 * @param {number} asOf the time of the answer
 * @param {boolean} mayChange
 */
export function useIsStale(asOf, mayChange) {
  const [staleAsOf, setStaleAsOf] = useState(0);
  useEffect(() => {
    if (!mayChange) {
      return undefined;
    }
    const checkAge = () => Date.now() - asOf > MAX_AGE_MS && setStaleAsOf(asOf);
    // The last moment at which the title can change.
    const freeze = () => flushSync(() => setStaleAsOf(asOf));
    // Browsers throttle the page's own intervals in a hidden tab.
    const timer = timeoutManager.setInterval(checkAge, 1000);
    document.addEventListener('visibilitychange', checkAge);
    document.addEventListener('freeze', freeze);
    return () => {
      timeoutManager.clearInterval(timer);
      document.removeEventListener('visibilitychange', checkAge);
      document.removeEventListener('freeze', freeze);
    };
  }, [asOf, mayChange]);
  return mayChange && asOf <= staleAsOf;
}
