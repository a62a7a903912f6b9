import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { aFailedCompany, aRunCompany, someClosings } from '../test/runs.js';
import {
  closingsError,
  closingsOutcome,
  closingsQuestion,
  companyPromise,
  retryError,
  runCompanyState,
  runCompanyWords,
} from './runCompanies.js';

test.each([
  [{ state: 'waiting' }, 'Waiting'],
  [{ state: 'reading' }, 'Reading now'],
  [{ state: 'read' }, 'Read'],
  [{}, 'Done'],
  [{ state: 'failed', outcome: 'gone', matched: null }, 'Not read'],
  [{ state: 'failed', outcome: 'out_of_time' }, 'Not finished'],
])('runCompanyState of %j is %s', (changes, expected) => {
  expect(runCompanyState(aRunCompany(changes), true)).toBe(expected);
});

test.each([
  ['waiting', 'Not reached'],
  ['read', 'Not finished'],
  ['taken_in', 'Done'],
  ['failed', 'Not read'],
])('runCompanyState of a company that is %s in an ended run is %s', (state, expected) => {
  expect(runCompanyState(aRunCompany({ state }), false)).toBe(expected);
});

test.each([
  [{}, '42 of 161 postings match: 4 new, 1 changed, 37 unchanged.'],
  [{ state: 'read' }, '42 of 161 postings match.'],
  [{ found: 0, matched: 0, new: 0, changed: 0, unchanged: 0, expired: 1 }, '0 of 0 postings match: 1 gone.'],
  [
    { new: 0, changed: 0, reopened: 2, unchanged: 0, held: 3, unparsed: 1, detail: 'It shrank.' },
    '42 of 161 postings match: 2 back again, 3 in question. 1 posting could not be read. It shrank.',
  ],
  [{ state: 'waiting', found: null, matched: null }, ''],
])('runCompanyWords of %j is %j', (changes, expected) => {
  expect(runCompanyWords(aRunCompany(changes))).toBe(expected);
});

test('runCompanyWords of a failed company has the reason and advice', () => {
  const company = aFailedCompany({ detail: 'The board answers 404. It may have moved.' });
  expect(runCompanyWords(company)).toMatch(/^The board answers 404\. It may have moved\. .+\.$/);
});

test('runCompanyWords of a failed company has the changes made all the same', () => {
  expect(runCompanyWords(aFailedCompany({ outcome: 'gone', expired: 3 }))).toMatch(/ In this run: 3 gone\.$/);
});

test.each([
  [{}, ''],
  [{ previewed: 42 }, ''],
  [{ previewed: 40 }, '40 previewed'],
  [{ previewed: 42, state: 'waiting', matched: null }, '42 previewed'],
])('companyPromise of %j is %j', (changes, expected) => {
  expect(companyPromise(aRunCompany(changes))).toBe(expected);
});

test('closingsQuestion names the counts in question and answers', () => {
  expect(closingsQuestion(someClosings())).toEqual({
    title: 'Are 60 jobs really gone?',
    text: expect.stringContaining('out of the 120 open jobs'),
    expire: 'They are gone, close 60 jobs',
    keep: 'Keep them open',
  });
});

test.each([
  [{ state: 'answered', expire: true, expired: 58 }, /^You closed 58 jobs\.$/],
  [
    { state: 'answered', expire: false, answered_at: '2026-01-02T10:00:00Z' },
    /^You kept 60 jobs open on .*2026/,
  ],
  [{ state: 'superseded' }, /^A later run has replaced the question about 60 jobs/],
])('closingsOutcome of %j', (changes, expected) => {
  expect(closingsOutcome(someClosings(changes))).toMatch(expected);
});

test.each([
  [retryError, 'nothing_to_retry', /^There is nothing to retry/],
  [retryError, 'run_active', /^Another run is in progress/],
  [retryError, 'run_not_ended', /has not ended yet/],
  [retryError, 'odd', 'No run was started. Some detail.'],
  [closingsError, 'no_closings', /asks nothing any more/],
  [closingsError, 'closings_answered', /answered already/],
  [closingsError, 'closings_superseded', /later run has replaced/],
  [closingsError, 'run_active', /Answer when it has ended/],
  [closingsError, 'odd', 'Your answer was not kept. Some detail.'],
])('%o for %s', (message, code, expected) => {
  expect(message(new ApiError(409, { code, detail: 'Some detail.' }))).toMatch(expected);
});

test('a retry without an answer may be repeated', () => {
  const error = new ApiError(0, { code: 'no_answer', detail: 'The server did not answer.' });
  expect(retryError(error)).toMatch(
    /^We do not know whether a run was started\. .* never carried out twice\.$/,
  );
});
