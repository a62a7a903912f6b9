import { paths } from './paths.js';

export const STAGES = [
  { name: 'Configure', path: paths.configure },
  { name: 'Preview', path: paths.preview },
  { name: 'Ingest', path: null },
];

/**
 * The stage to show: a function of the address and of the server's active run.
 *
 * A user who arrives during an active run is redirected to it. A user already at work here only gets a link, so that a
 * form never disappears.
 *
 * @param {object} situation
 * @param {'configure' | 'preview' | 'run'} situation.step the step in the address
 * @param {boolean} situation.arriving true until the first answer after the page was opened
 * @param {number | null | undefined} situation.activeRun the active run, null for none, undefined before the first answer
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
