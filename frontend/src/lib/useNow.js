import { useCallback, useSyncExternalStore } from 'react';

const never = () => () => {};

/**
 * The browser's time, rounded down to the interval.
 * @param {boolean} ticks true to render again each interval
 * @param {number} [seconds] the interval
 */
export function useNow(ticks, seconds = 1) {
  const interval = seconds * 1000;
  const subscribe = useCallback(
    (/** @type {() => void} */ notify) => {
      const timer = setInterval(notify, interval);
      return () => clearInterval(timer);
    },
    [interval],
  );
  return useSyncExternalStore(ticks ? subscribe : never, () => Math.floor(Date.now() / interval) * interval);
}
