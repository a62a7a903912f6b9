import { expect, test } from 'vitest';
import { resolveStage } from './stage.js';

test.each([
  ['a run’s address is stage 3, whatever else is active', 'run', true, 5, { stage: 3 }],
  ['the same for somebody at work here', 'run', false, undefined, { stage: 3 }],
  ['arriving, the active run not known yet: wait', 'configure', true, undefined, { stage: 1, waiting: true }],
  ['the same at the preview', 'preview', true, undefined, { stage: 2, waiting: true }],
  ['arriving while a run is active: go to it', 'configure', true, 5, { stage: 1, goTo: 5 }],
  ['the same at the preview', 'preview', true, 5, { stage: 2, goTo: 5 }],
  ['arriving while none is active', 'configure', true, null, { stage: 1, offer: null }],
  [
    'at work while a run becomes active elsewhere: only offer it',
    'configure',
    false,
    5,
    { stage: 1, offer: 5 },
  ],
  ['the same at the preview', 'preview', false, 5, { stage: 2, offer: 5 }],
  ['at work while none is active', 'preview', false, null, { stage: 2, offer: null }],
  [
    'at work while nothing is known: no waiting any more',
    'preview',
    false,
    undefined,
    { stage: 2, offer: null },
  ],
])('%s', (_sentence, step, arriving, activeRun, expected) => {
  expect(resolveStage({ step, arriving, activeRun })).toEqual(expected);
});
