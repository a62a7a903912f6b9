/** Intervals of steadyTimers.js: `{id, delay}` starts one, `{id}` ends it. Each tick posts the id. */

const intervals = new Map();

self.onmessage = ({ data: { id, delay } }) => {
  if (delay === undefined) {
    clearInterval(intervals.get(id));
    intervals.delete(id);
  } else {
    intervals.set(
      id,
      setInterval(() => postMessage(id), delay),
    );
  }
};
