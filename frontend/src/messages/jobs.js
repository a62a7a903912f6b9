/** Messages about jobs. */

import { amount, formatAge, formatSince } from '../lib/format.js';

/**
 * @typedef {import('../api/jobs.js').Job} Job
 * @typedef {import('../api/jobs.js').JobEvent} JobEvent
 */

export const jobMessages = {
  none: 'You have no jobs yet. A run brings them from the boards of your companies.',
  noMatch: 'No jobs match.',
  noOlder: 'There are no older jobs.',
  noSuchPage: 'This page of jobs does not exist.',
  untitled: 'A job without a title',
  missing: 'It may belong to another account. Check the address.',
  noText: 'This job has no text.',
  textPending: 'The text of this job has not arrived yet. A later run may bring it.',
  open: 'Open the posting',
  noAddress: 'This job has no address that is safe to open.',
  /** @param {string} run */
  ofRun: (run) => `Only jobs of run ${run}.`,
  /** @param {number} count */
  onThisPage: (count) => `${amount(count, 'job')} on this page`,
};

/** The states of a job, as the filter names them. */
export const JOB_STATES = {
  open: 'Open',
  missing: 'Not on the board now',
  gone: 'Gone',
  unfollowed: 'No longer followed',
};

/**
 * The time since a job was found, in words; empty if it is not known.
 * @param {Job} job
 * @param {number} now milliseconds
 */
export function jobAge({ found_at: foundAt, at_least_since: isMinimum }, now) {
  if (!foundAt) {
    return '';
  }
  const age = formatAge(now - Date.parse(foundAt));
  return isMinimum && age !== 'just now' ? `at least ${age}` : age;
}

/**
 * The result of the user's runs for a job.
 * @param {Job} job
 * @param {number} now milliseconds
 */
export function jobStatus({ state, gone_at: goneAt }, now) {
  if (state !== 'gone' && !goneAt) {
    return 'Open';
  }
  return goneAt ? `Gone since ${formatSince(goneAt, now)}` : 'Gone';
}

/**
 * The word of the board now, where it differs from what the runs found; empty otherwise.
 * @param {Job} job
 * @param {number} now milliseconds
 */
export function boardWord({ state, missing_since: since }, now) {
  if (state === 'unfollowed') {
    return 'You no longer follow this company, so no run checks this job.';
  }
  if (state !== 'missing') {
    return '';
  }
  // A run notes what a second reading confirms, and not what the user has kept open.
  return `Not on the board${since ? ` since ${formatSince(since, now)}` : ' now'}; no run has noted it yet. Your next run checks again.`;
}

/**
 * A remark on a job in the list; empty for an open one.
 * @param {Job} job
 * @param {number} now milliseconds
 */
export function jobRemark(job, now) {
  switch (job.state) {
    case 'missing':
      return job.missing_since
        ? `Not on the board since ${formatSince(job.missing_since, now)}`
        : JOB_STATES.missing;
    case 'gone':
      return jobStatus(job, now);
    case 'unfollowed':
      return JOB_STATES.unfollowed;
    default:
      return '';
  }
}

const FIELDS = {
  title: 'title',
  location: 'place',
  locations: 'place',
  workplace: 'workplace',
  employment_type: 'employment',
  department: 'department',
  description: 'text',
  requirements: 'requirements',
  pay: 'pay',
  salary: 'pay',
  url: 'address',
  posted_at: 'date posted',
  posted_on: 'date posted',
};

/**
 * An event of a job in words.
 * @param {JobEvent} event
 */
export function eventWords({ kind, fields }) {
  const names = [...new Set(fields.map((field) => FIELDS[field] ?? field.replaceAll('_', ' ')))];
  switch (kind) {
    case 'new':
      return 'Found';
    case 'changed':
      return names.length > 0 ? `Changed: ${names.join(', ')}` : 'Changed';
    case 'expired':
      return 'Gone: not on its board in at least two readings';
    case 'reopened':
      return 'Back on its board';
    default:
      return kind;
  }
}
