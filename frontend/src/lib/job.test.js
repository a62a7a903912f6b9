import { expect, test } from 'vitest';
import { aJob } from '../test/jobs.js';
import { formatCount, formatDay } from './format.js';
import { formatPay, formatPlace, formatPosted, jobPlace, withoutHeading } from './job.js';

test.each([
  [{}, ['Hamburg', 'Remote']],
  [{ locations: ['Hamburg', 'Berlin'], workplace: null }, ['Hamburg', 'Berlin']],
  [{ locations: [], workplace: 'odd' }, ['odd']],
])('jobPlace of %j is %j', (changes, expected) => {
  expect(jobPlace(aJob(changes))).toEqual(expected);
});

test('formatPlace parts places that have commas by semicolons', () => {
  const locations = ['San Francisco, CA', 'New York, NY'];
  expect(formatPlace(aJob({ locations, workplace: null }))).toBe('San Francisco, CA; New York, NY');
});

test.each([
  ['Requirements\n\n- Python', '- Python'],
  ['REQUIREMENTS:\n- Python', '- Python'],
  ['Requirements of the law\n- Python', 'Requirements of the law\n- Python'],
  ['- Python', '- Python'],
])('withoutHeading of %j is %j', (text, expected) => {
  expect(withoutHeading(text, 'Requirements')).toBe(expected);
});

const PAY = { min: 75_000, max: 90_000, currency: 'EUR', interval: 'year', text: null };

test.each([
  [null, ''],
  [PAY, `${formatCount(75_000)}–${formatCount(90_000)} EUR a year`],
  [{ ...PAY, max: 75_000, currency: null, interval: null }, formatCount(75_000)],
  [{ ...PAY, max: null, interval: 'project' }, `${formatCount(75_000)} EUR per project`],
  [{ ...PAY, text: 'up to 90k' }, 'up to 90k'],
  [{ ...PAY, min: null, max: null }, ''],
])('formatPay of %j is %j', (salary, expected) => {
  expect(formatPay(salary)).toBe(expected);
});

test('formatPosted of a date is the same day in every time zone', () => {
  expect(formatPosted('2026-01-01')).toBe(formatDay('2026-01-01T12:00'));
  expect(formatPosted('2026-01-01T12:00:00Z')).toBe(formatDay('2026-01-01T12:00:00Z'));
});
