/**
 * Create timers for TanStack Query whose intervals keep their pace in a hidden tab. Browsers throttle a hidden page's
 * intervals to one a minute, but not those of a worker.
 * @returns {import('@tanstack/react-query').TimeoutProvider<number>}
 */
export function createSteadyTimers() {
  const worker = new Worker(new URL('./intervals.worker.js', import.meta.url), { type: 'module' });
  /** @type {Map<number, () => void>} */
  const callbacks = new Map();
  let last = 0;
  worker.onmessage = ({ data: id }) => callbacks.get(id)?.();
  return {
    setTimeout: (callback, delay) => window.setTimeout(callback, delay),
    clearTimeout: (id) => window.clearTimeout(id),
    setInterval(callback, delay) {
      last += 1;
      callbacks.set(last, callback);
      worker.postMessage({ id: last, delay });
      return last;
    },
    clearInterval(id) {
      if (id !== undefined && callbacks.delete(id)) {
        worker.postMessage({ id });
      }
    },
  };
}
