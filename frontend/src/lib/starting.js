/** Starting from a preview: why not, what is asked before, and what is told when it failed. */

import { amount, isolated } from './format.js';
import { unconfirmed } from './trouble.js';

/** @typedef {import('../api/previews.js').Preview} Preview */

/**
 * Why a run cannot be started now; null when it can.
 * @param {Preview | undefined} preview
 */
export function whyNot(preview) {
  if (!preview) {
    return 'There is no preview yet.';
  }
  if (!preview.is_finished) {
    return 'The preview is still under way.';
  }
  if (preview.totals.companies === 0) {
    return 'The preview has no companies.';
  }
  return preview.is_current ? null : 'The preview is out of date.';
}

/**
 * What is asked before a start.
 * @param {Preview} preview
 */
export function question({ totals, companies }) {
  const failed = companies.filter(({ state }) => state === 'failed').map(({ name }) => isolated(name));
  const named = failed.length > 5 ? [...failed.slice(0, 4), `${failed.length - 4} others`] : failed;
  return {
    title: `Start ingestion of ${amount(totals.taken, 'posting')} of ${amount(totals.listed, 'company', 'companies')}?`,
    text:
      failed.length > 0
        ? `Left out, because listing failed: ${named.join(', ')}. You can watch the run and abort it at any time.`
        : 'You can watch the run and abort it at any time.',
  };
}

const REFUSALS = {
  preview_outdated: 'Your companies have changed since this preview, so nothing was started.',
  preview_unfinished: 'The preview is still under way, so nothing was started.',
  preview_not_found: 'This preview was replaced by another one, so nothing was started.',
};

/**
 * What is told when no success came back; whether a new preview is the way on.
 * @param {import('../api/client.js').ApiError | null} error
 */
export function startProblem(error) {
  if (!error || error.code === 'run_active') {
    return null;
  }
  const refusal = REFUSALS[error.code];
  return { sentence: refusal ?? unconfirmed('start', error), needsRefresh: Boolean(refusal) };
}
