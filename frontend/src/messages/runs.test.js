import { expect, test } from 'vitest';
import { actorPhrase } from './runs.js';

test.each([
  ['user', 'by you'],
  ['operator', 'by the operator'],
  ['worker', 'automatically'],
  ['rescue', 'automatically, because the collection stopped responding'],
  ['sql:app', 'by the operator, in the database'],
])('actorPhrase of %s', (actor, expected) => {
  expect(actorPhrase(actor)).toBe(expected);
});
