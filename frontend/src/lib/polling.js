/** How often a preview is asked for. */

const PAUSES_MS = [
  [600, 4000],
  [200, 2000],
  [0, 1000],
];
/** Whether it still fits the settings changes elsewhere. */
const FINISHED_MS = 10_000;

/**
 * How long to wait before asking for a preview again: a big one is a long answer, and takes its time.
 * @param {import('../api/previews.js').Preview | undefined} preview
 */
export function pauseOf(preview) {
  if (preview?.is_finished) {
    return FINISHED_MS;
  }
  const companies = preview?.totals.companies ?? 0;
  const [, pause] = PAUSES_MS.find(([above]) => companies > above) ?? PAUSES_MS[PAUSES_MS.length - 1];
  return pause;
}
