/** Values derived from the server's answer about a job. */

import { formatCount, formatDay } from './format.js';
import { WORKPLACES } from './posting.js';

/**
 * @typedef {import('../api/jobs.js').Job} Job
 * @typedef {import('../api/jobs.js').Salary} Salary
 */

/**
 * The place and the workplace of a job.
 * @param {Job} job
 * @returns {string[]}
 */
export function jobPlace({ locations, workplace }) {
  return [...locations, workplace && (WORKPLACES[workplace] ?? workplace)].filter(
    (part) => typeof part === 'string' && part !== '',
  );
}

/**
 * The places of a job in a line. Semicolons part them, because a place may have commas itself.
 * @param {Job} job
 */
export function formatPlace(job) {
  return jobPlace(job).join('; ');
}

/**
 * A part of a posting's text without a first line that only repeats the part's name.
 * @param {string} text
 * @param {string} name
 */
export function withoutHeading(text, name) {
  const [first, ...rest] = text.trimStart().split('\n');
  return first.trim().replace(/:$/, '').toLowerCase() === name.toLowerCase()
    ? rest.join('\n').trimStart()
    : text;
}

const INTERVALS = { year: 'a year', month: 'a month', week: 'a week', day: 'a day', hour: 'an hour' };

/**
 * The pay of a job in words; empty if it is not stated.
 * @param {Salary | null} salary
 */
export function formatPay(salary) {
  if (!salary) {
    return '';
  }
  if (salary.text) {
    return salary.text;
  }
  const numbers = [...new Set([salary.min, salary.max])].flatMap((each) => (each === null ? [] : [each]));
  if (numbers.length === 0) {
    return '';
  }
  const interval = salary.interval && (INTERVALS[salary.interval] ?? `per ${salary.interval}`);
  return [numbers.map(formatCount).join('–'), salary.currency, interval].filter(Boolean).join(' ');
}

/**
 * The day on which a job was posted. A date without a time is the same day everywhere.
 * @param {string} postedOn
 */
export function formatPosted(postedOn) {
  return formatDay(postedOn.includes('T') ? postedOn : `${postedOn}T12:00`);
}
