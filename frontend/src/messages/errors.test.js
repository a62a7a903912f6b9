import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { changeError, connectionMessage, failureReason } from './errors.js';

const error = (status, members = {}) =>
  new ApiError(status, { code: 'some_code', detail: 'Some detail.', ...members });
const fault = error(500, { code: 'internal_error', request_id: 'abc-1' });
const WORDS = { refused: 'The token was not created.', change: 'the token was created' };

test.each([0, 502, 504])('connectionMessage for %i is a lost connection', (status) => {
  expect(connectionMessage(error(status))).toEqual({
    title: 'Connection lost',
    sentence: 'Connection lost. Trying again …',
  });
});

test('connectionMessage for 503 is an unavailable server', () => {
  expect(connectionMessage(error(503))).toEqual({
    title: 'Server unavailable',
    sentence: 'The server is temporarily unavailable. Trying again …',
  });
});

test.each([403, 500])('connectionMessage for %i quotes the server', (status) => {
  expect(connectionMessage(error(status))).toEqual({
    title: 'Server problem',
    sentence: 'Some detail. Trying again …',
  });
});

test('failureReason of a fault of the server has the number for the operator', () => {
  expect(failureReason(fault)).toBe('The server failed. If it lasts, tell the operator this number: abc-1.');
});

test.each([403, 409, 422])('changeError for %i says that the change was refused', (status) => {
  expect(changeError(WORDS, error(status))).toBe('The token was not created. Some detail.');
});

test.each([
  [error(0), 'Some detail.'],
  [error(503), 'The server is temporarily unavailable.'],
  [fault, 'The server failed. If it lasts, tell the operator this number: abc-1.'],
  [error(200, { code: 'no_answer' }), 'Some detail.'],
])('changeError without an answer does not know the outcome, case %#', (lost, reason) => {
  expect(changeError(WORDS, lost)).toBe(
    `We do not know whether the token was created. ${reason} Check, then try again.`,
  );
});

test('changeError for an ended session is a refusal, unless retried', () => {
  const ended = error(401, { code: 'unauthenticated' });
  expect(changeError(WORDS, ended)).toBe('The token was not created. Some detail.');
  expect(changeError({ ...WORDS, isRetried: true }, ended)).toMatch(/^We do not know whether/);
});

test('changeError gives the advice of the change', () => {
  expect(changeError({ ...WORDS, advice: 'Try again.' }, error(0))).toMatch(/Some detail\. Try again\.$/);
});
