import { expect, test } from 'vitest';
import { resolveStage } from './stage.js';

test.each([
  ['the address of a run is stage 3', 'run', true, 5, { stage: 3 }],
  ['the address of a run is stage 3, after arriving', 'run', false, undefined, { stage: 3 }],
  ['arriving before the first answer: wait', 'configure', true, undefined, { stage: 1, waiting: true }],
  ['the same in the preview', 'preview', true, undefined, { stage: 2, waiting: true }],
  ['arriving during an active run: go to it', 'configure', true, 5, { stage: 1, goTo: 5 }],
  ['the same in the preview', 'preview', true, 5, { stage: 2, goTo: 5 }],
  ['arriving without an active run', 'configure', true, null, { stage: 1, offer: null }],
  ['a run starts elsewhere: offer it', 'configure', false, 5, { stage: 1, offer: 5 }],
  ['the same in the preview', 'preview', false, 5, { stage: 2, offer: 5 }],
  ['no active run, after arriving', 'preview', false, null, { stage: 2, offer: null }],
  ['no answer, after arriving: do not wait', 'preview', false, undefined, { stage: 2, offer: null }],
])('%s', (_sentence, step, arriving, activeRun, expected) => {
  expect(resolveStage({ step, arriving, activeRun })).toEqual(expected);
});
