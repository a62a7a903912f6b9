import { timeoutManager } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { flushSync } from 'react-dom';

/** Longer than an answer takes that still comes. */
const OLD_MS = 10_000;

/**
 * Tells that an answer may be out of date: the computer slept, the browser stopped the page, or the time limit of a request
 * comes late, as it does in a hidden tab. The next answer ends that.
 * @param {number} asOf when it came
 * @param {boolean} mayChange
 */
export function useIsOld(asOf, mayChange) {
  const [oldest, setOldest] = useState(0);
  useEffect(() => {
    if (!mayChange) {
      return undefined;
    }
    const look = () => Date.now() - asOf > OLD_MS && setOldest(asOf);
    // The last moment at which the title can change.
    const stop = () => flushSync(() => setOldest(asOf));
    // Not the page's own interval, which hardly passes in a hidden tab.
    const timer = timeoutManager.setInterval(look, 1000);
    document.addEventListener('visibilitychange', look);
    document.addEventListener('freeze', stop);
    return () => {
      timeoutManager.clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
      document.removeEventListener('freeze', stop);
    };
  }, [asOf, mayChange]);
  return mayChange && asOf <= oldest;
}
