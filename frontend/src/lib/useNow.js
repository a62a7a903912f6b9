import { useSyncExternalStore } from 'react';

const read = () => Math.floor(Date.now() / 1000) * 1000;
const never = () => () => {};

function everySecond(notify) {
  const timer = setInterval(notify, 1000);
  return () => clearInterval(timer);
}

/**
 * The browser's clock, to the second; it renders again each second while it `ticks`.
 * @param {boolean} ticks
 */
export function useNow(ticks) {
  return useSyncExternalStore(ticks ? everySecond : never, read);
}
