import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { connectionMessage, unconfirmed } from './errors.js';

const error = (status) => new ApiError(status, { code: 'some_code', detail: 'Some detail.' });

test.each([0, 502, 503, 504])('an answer of %i is a lost connection', (status) => {
  expect(connectionMessage(error(status))).toEqual({
    title: 'Connection lost',
    sentence: 'Connection lost, retrying.',
  });
});

test.each([403, 500])('an answer of %i is the server’s problem, in its own words', (status) => {
  expect(connectionMessage(error(status)).sentence).toBe('The server has a problem, retrying. Some detail.');
});

test('a change is only said to be unconfirmed, and the way on is told once', () => {
  expect(unconfirmed('start', error(0))).toBe('The start was not confirmed. Some detail. You can try again.');
  expect(unconfirmed('abort', error(503))).toBe('The abort was not confirmed. Some detail.');
});
