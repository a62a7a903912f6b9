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
