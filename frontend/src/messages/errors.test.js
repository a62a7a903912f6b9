import { expect, test } from 'vitest';
import { ApiError } from '../api/client.js';
import { changeError, connectionMessage, unconfirmed } from './errors.js';

const error = (status) => new ApiError(status, { code: 'some_code', detail: 'Some detail.' });

test.each([0, 502, 503, 504])('connectionMessage for %i is a lost connection', (status) => {
  expect(connectionMessage(error(status))).toEqual({
    title: 'Connection lost',
    sentence: 'Connection lost, retrying.',
  });
});

test.each([403, 500])('connectionMessage for %i quotes the server', (status) => {
  expect(connectionMessage(error(status)).sentence).toBe('The server has a problem, retrying. Some detail.');
});

test('unconfirmed never says that a change failed', () => {
  expect(unconfirmed('start', error(0))).toBe(
    'The start was not confirmed. Some detail. The start may still have gone through. You can try again.',
  );
  expect(unconfirmed('abort', error(503))).toBe('The abort was not confirmed. Some detail.');
});

test('changeError says that a change failed only if the server refused it', () => {
  const words = { refused: 'The token was not created.', change: 'new token' };
  expect(changeError(words, error(422))).toBe('The token was not created. Some detail.');
  expect(changeError(words, error(503))).toBe('The new token was not confirmed. Some detail.');
  expect(changeError(words, error(0))).toMatch(
    /^The new token was not confirmed\..* may still have gone through/,
  );
});
