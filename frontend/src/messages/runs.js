/** Messages about runs: their status, their end and their abort. */

import { formatTime } from '../lib/format.js';

export const runMessages = {
  abortConfirm: 'Abort run',
  abortCancel: 'Keep running',
  abortText: 'The run ends at once and cannot be resumed.',
  abortTooLate: 'The run had already ended before the abort reached it.',
  alreadyActive: 'This run was already in progress, so no second run was started.',
  checkingAgain: 'Checking the status again.',
  lookingForActive: 'Checking for a run in progress …',
  missing: 'It may belong to another account. Check the address.',
  noReason: 'no reason was recorded.',
  noRuns: 'There are no runs yet.',
  noRunsOfStatus: 'No runs have this status.',
  noOlderRuns: 'There are no older runs.',
  noSuchPage: 'This page of runs does not exist.',
  /** @param {string} runId */
  abortTitle: (runId) => `Abort run ${runId}?`,
  /** @param {number} runId */
  inProgress: (runId) => `Run ${runId} is in progress.`,
  /** @param {number} asOf */
  lastUpdated: (asOf) => `Last updated at ${formatTime(asOf)}.`,
};

const ACTORS = {
  user: 'by you',
  operator: 'by the operator',
  worker: 'automatically',
  rescue: 'automatically, because the collection stopped responding',
};

/**
 * The author of a status change, for the timeline.
 * @param {string} actor
 */
export function actorPhrase(actor) {
  return ACTORS[actor] ?? 'by the operator, in the database';
}

/** Words for changeError(). */
export const runChanges = {
  start: {
    refused: 'The run was not started.',
    change: 'the run was started',
    advice: 'Try again: the same start is never carried out twice.',
    isRetried: true,
  },
  abort: { refused: 'The run was not aborted.', change: 'the run was aborted' },
  retry: {
    refused: 'No run was started.',
    change: 'a run was started',
    advice: 'Try again: the same retry is never carried out twice.',
    isRetried: true,
  },
  closings: { refused: 'Your answer was not kept.', change: 'your answer arrived' },
};
