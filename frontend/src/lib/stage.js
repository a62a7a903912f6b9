import { paths } from './paths.js';

export const STAGES = [
  { name: 'Configure', path: paths.configure },
  { name: 'Preview', path: paths.preview },
  { name: 'Ingest', path: null },
];

/**
 * What the ingest page shows: a function of the address and of what the server says is active.
 *
 * Whoever arrives while a run is active is taken to it; whoever is already at work here is only told, and never thrown
 * out of a form.
 *
 * @param {object} given
 * @param {'configure' | 'preview' | 'run'} given.step what the address names
 * @param {boolean} given.arriving whether the person has only just come to the page
 * @param {number | null | undefined} given.activeRun the active run, null for none, undefined while that is not known
 * @returns {{stage: 1 | 2 | 3, waiting?: boolean, goTo?: number, offer?: number | null}}
 */
export function resolveStage({ step, arriving, activeRun }) {
  if (step === 'run') {
    return { stage: 3 };
  }
  const stage = step === 'preview' ? 2 : 1;
  if (arriving && activeRun === undefined) {
    return { stage, waiting: true };
  }
  if (arriving && activeRun) {
    return { stage, goTo: activeRun };
  }
  return { stage, offer: activeRun ?? null };
}
