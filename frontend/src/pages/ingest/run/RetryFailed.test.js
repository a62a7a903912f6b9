import { screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { axeViolations, open } from '../../../test/open.js';
import { aFailedCompany } from '../../../test/runs.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../../../test/server.js';

const ENDED = anEndedRun('finished', { companies_total: 2, companies_failed: 1 });

function serveRetry(retry, run = ENDED) {
  const answers = {
    [PATHS.run]: run,
    [PATHS.events]: { events: [] },
    [PATHS.runCompanies]: { companies: [aFailedCompany()], next: null, revision: 1 },
    [PATHS.retry]: retry,
    'GET /api/ingestion/runs/8': aRun({ run_id: 8, retry_of: 7 }),
    'GET /api/ingestion/runs/8/events': { events: [] },
  };
  return { answers, requests: serve(answers) };
}

const press = async (user) =>
  user.click(await screen.findByRole('button', { name: 'Retry failed companies' }));

test('Retry failed companies leads to the new run', async () => {
  const keys = [];
  const { requests } = serveRetry((headers) => {
    keys.push(headers['Idempotency-Key']);
    return { run_id: 8 };
  });
  const { user, container } = open('/ingest/runs/7');
  expect(await screen.findByRole('heading', { name: '1 company failed' })).toBeVisible();
  expect(screen.getByText(/^Starts another run of this company alone/)).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
  await press(user);
  expect(await screen.findByRole('link', { name: 'Retry of run 7' })).toBeVisible();
  expect(screen.getByRole('heading', { level: 1 })).toHaveFocus();
  expect(requests).toHaveBeenCalledWith(PATHS.retry);
  expect(keys).toEqual([expect.stringMatching(/^"[\w-]+"$/)]);
});

test('an active run is reported with a link to it', async () => {
  serveRetry(refusal(409, 'run_active', { run_id: 8 }));
  const { user, container } = open('/ingest/runs/7');
  await press(user);
  const alert = within(await screen.findByRole('alert'));
  expect(alert.getByRole('link', { name: 'Run 8 is in progress.' })).toHaveAttribute(
    'href',
    '/ingest/runs/8',
  );
  expect(await axeViolations(container)).toEqual([]);
});

test('nothing to retry is reported', async () => {
  serveRetry(refusal(409, 'nothing_to_retry'));
  const { user } = open('/ingest/runs/7');
  await press(user);
  expect(await screen.findByRole('alert')).toHaveTextContent(/^There is nothing to retry/);
});

test('a retry with an unknown outcome is repeated with the same key', async () => {
  const keys = [];
  const { answers } = serveRetry((headers) => {
    keys.push(headers['Idempotency-Key']);
    return refusal(500, 'internal_error');
  });
  const { user } = open('/ingest/runs/7');
  await press(user);
  expect(await screen.findByRole('alert')).toHaveTextContent('We do not know whether a run was started.');
  answers[PATHS.retry] = (headers) => {
    keys.push(headers['Idempotency-Key']);
    return { run_id: 8 };
  };
  await press(user);
  await screen.findByRole('link', { name: 'Retry of run 7' });
  expect(keys[1]).toBe(keys[0]);
});

test.each([
  ['in progress', aRun({ companies_total: 2, companies_failed: 1 })],
  ['without failed companies', anEndedRun('finished', { companies_total: 2 })],
])('a run %s offers no retry', async (_words, run) => {
  serveRetry(null, run);
  open('/ingest/runs/7');
  await screen.findByText('Beta');
  expect(screen.queryByRole('button', { name: 'Retry failed companies' })).toBeNull();
});
