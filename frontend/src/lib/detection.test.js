import { expect, test } from 'vitest';
import { toUrl } from './detection.js';

test.each([
  [' jobs.acme.example/x ', 'https://jobs.acme.example/x'],
  ['http://acme.example', 'http://acme.example'],
  ['HTTPS://acme.example', 'HTTPS://acme.example'],
])('toUrl(%j) is %s', (typed, expected) => {
  expect(toUrl(typed)).toBe(expected);
});
