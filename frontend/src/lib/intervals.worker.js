/** Intervals of the page's (steadyTimers.js): `{id, delay}` begins one, `{id}` ends it; each time one passes its id is sent. */

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
