import { useSyncExternalStore } from 'react';

const read = () => Math.floor(Date.now() / 1000) * 1000;
const never = () => () => {};

function everySecond(notify) {
  const timer = setInterval(notify, 1000);
  return () => clearInterval(timer);
}

/**
 * The browser's time, rounded down to the second.
 * @param {boolean} ticks true to render again each second
 */
export function useNow(ticks) {
  return useSyncExternalStore(ticks ? everySecond : never, read);
}
