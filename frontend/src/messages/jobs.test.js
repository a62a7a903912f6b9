import { expect, test } from 'vitest';
import { aJob } from '../test/jobs.js';
import { boardWord, eventWords, jobAge, jobRemark, jobStatus } from './jobs.js';

// A Thursday.
const NOW = Date.parse('2026-01-08T12:00:00Z');
const TUESDAY = '2026-01-06T12:00:00Z';

test.each([
  [{}, '6 days ago'],
  [{ at_least_since: true }, 'at least 6 days ago'],
  [{ at_least_since: true, found_at: '2026-01-08T11:59:50Z' }, 'just now'],
  [{ found_at: null }, ''],
])('jobAge of %j is %j', (changes, expected) => {
  expect(jobAge(aJob(changes), NOW)).toBe(expected);
});

test.each([
  [{}, 'Open', '', ''],
  [
    { state: 'missing', missing_since: TUESDAY },
    'Open',
    'Not on the board since Tuesday; no run has noted it yet. Your next run checks again.',
    'Not on the board since Tuesday',
  ],
  [
    { state: 'missing' },
    'Open',
    'Not on the board now; no run has noted it yet. Your next run checks again.',
    'Not on the board now',
  ],
  [{ state: 'gone', gone_at: TUESDAY }, 'Gone since Tuesday', '', 'Gone since Tuesday'],
  [{ state: 'gone' }, 'Gone', '', 'Gone'],
  [
    { state: 'unfollowed' },
    'Open',
    'You no longer follow this company, so no run checks this job.',
    'No longer followed',
  ],
])('status, word of the board and remark of %j', (changes, status, word, remark) => {
  const job = aJob(changes);
  expect(jobStatus(job, NOW)).toBe(status);
  expect(boardWord(job, NOW)).toBe(word);
  expect(jobRemark(job, NOW)).toBe(remark);
});

test.each([
  ['new', [], 'Found'],
  ['changed', ['title', 'location', 'locations', 'odd_field'], 'Changed: title, place, odd field'],
  ['changed', [], 'Changed'],
  ['expired', [], 'Gone: not on its board in at least two readings'],
  ['reopened', [], 'Back on its board'],
  ['odd', [], 'odd'],
])('eventWords of %s %j is %s', (kind, fields, expected) => {
  expect(eventWords({ kind, fields })).toBe(expected);
});
