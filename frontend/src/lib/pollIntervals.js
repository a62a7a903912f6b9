/** The intervals at which runs and previews are polled. */

/** For an active run. */
export const RUN_POLL_INTERVAL_MS = 1500;
/** For the id of the active run, and for the run history. */
export const IDLE_POLL_INTERVAL_MS = 4000;

/** The intervals of an unfinished preview by its number of companies: [more than, milliseconds]. */
const INTERVALS_MS = [
  [600, 4000],
  [200, 2000],
  [0, 1000],
];
/** For a finished preview, whose `is_current` may change. */
const FINISHED_INTERVAL_MS = 10_000;

/**
 * Milliseconds until a preview is fetched again. Large previews have large answers and are fetched less often.
 * @param {import('../api/previews.js').Preview | undefined} preview
 */
export function previewPollInterval(preview) {
  if (preview?.is_finished) {
    return FINISHED_INTERVAL_MS;
  }
  const companies = preview?.totals.companies ?? 0;
  const [, interval] =
    INTERVALS_MS.find(([minimum]) => companies > minimum) ?? INTERVALS_MS[INTERVALS_MS.length - 1];
  return interval;
}
