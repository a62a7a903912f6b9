import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { axeViolations, open } from '../test/open.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../test/server.js';

const PAGE = { runs: [aRun(), anEndedRun('finished', { run_id: 6 })], next_before: 6 };

test('runs are listed newest first, each as a link', async () => {
  serve({ [PATHS.runs]: PAGE });
  const { container } = open('/runs');
  const rows = await screen.findAllByRole('link', { name: /^Run \d/ });
  expect(rows.map((row) => row.getAttribute('href'))).toEqual(['/ingest/runs/7', '/ingest/runs/6']);
  expect(rows[0]).toHaveTextContent('in progress');
  expect(rows[1]).toHaveTextContent('12 s');
  expect(await axeViolations(container)).toEqual([]);
});

test('a run says what it was of and what came of it', async () => {
  const ended = anEndedRun('finished', {
    companies_total: 10,
    companies_failed: 2,
    jobs_new: 12,
    jobs_changed: 3,
    jobs_expired: 1,
    retry_of: 5,
  });
  serve({
    [PATHS.runs]: {
      runs: [ended, anEndedRun('error', { run_id: 6, error_message: 'None of the 2 boards could be read.' })],
      next_before: null,
    },
  });
  const { container } = open('/runs');
  const [finished, failed] = await screen.findAllByRole('link', { name: /^Run \d/ });
  expect(finished).toHaveTextContent('12 new jobs, 3 changed, 1 gone');
  expect(finished).toHaveTextContent('10 companies · 2 failed · Retry of run 5');
  expect(finished.querySelector('.sb-badge')).toBeNull();
  expect(failed.querySelector('.sb-badge')).toHaveTextContent('Error');
  expect(failed).toHaveTextContent('None of the 2 boards could be read.');
  expect(await axeViolations(container)).toEqual([]);
});

test('Older and Newest change the page through the address', async () => {
  serve({
    [PATHS.runs]: PAGE,
    [`${PATHS.runs}&before=6`]: { runs: [anEndedRun('error', { run_id: 5 })], next_before: null },
  });
  const { user } = open('/runs');
  await user.click(await screen.findByRole('link', { name: 'Older' }));
  expect(await screen.findByText('Run 5')).toBeVisible();
  expect(screen.queryByRole('link', { name: 'Older' })).toBeNull();
  await user.click(screen.getByRole('link', { name: 'Newest' }));
  expect(await screen.findByText('Run 7')).toBeVisible();
});

test('the status filter is kept on the next page', async () => {
  serve({
    [PATHS.runs]: PAGE,
    [`${PATHS.runs}&status=aborted`]: { runs: [anEndedRun('aborted', { run_id: 4 })], next_before: 4 },
    [`${PATHS.runs}&status=aborted&before=4`]: {
      runs: [anEndedRun('aborted', { run_id: 2 })],
      next_before: null,
    },
  });
  const { user } = open('/runs');
  await screen.findByText('Run 7');
  await user.selectOptions(screen.getByRole('combobox', { name: 'Status' }), 'Aborted');
  expect(await screen.findByText('Run 4')).toBeVisible();
  expect(screen.queryByText('Run 7')).toBeNull();
  await user.click(screen.getByRole('link', { name: 'Older' }));
  expect(await screen.findByText('Run 2')).toBeVisible();
});

test('cached data of an earlier visit is not shown before the server answers', async () => {
  const answers = { [PATHS.runs]: PAGE, [PATHS.run]: aRun(), [PATHS.events]: { events: [] } };
  serve(answers);
  const { user } = open('/runs');
  await user.click(await screen.findByRole('link', { name: /^Run 7/ }));
  await screen.findByRole('button', { name: 'Abort' });
  let answer;
  answers[PATHS.runs] = answers[PATHS.run] = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  await user.click(screen.getByRole('link', { name: 'Runs' }));
  expect(await screen.findByText('Loading …')).toBeVisible();
  expect(screen.queryByRole('list')).toBeNull();
  answer(PAGE);
  await user.click(await screen.findByRole('link', { name: /^Run 7/ }));
  expect(await screen.findByText('Loading …')).toBeVisible();
  expect(screen.queryByRole('timer')).toBeNull();
});

test('an empty history and an empty filter have different messages', async () => {
  const none = { runs: [], next_before: null };
  serve({ [PATHS.runs]: none, [`${PATHS.runs}&status=error`]: none });
  const { user, container } = open('/runs');
  expect(await screen.findByText('There are no runs yet.')).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
  await user.selectOptions(screen.getByRole('combobox', { name: 'Status' }), 'Error');
  expect(await screen.findByText('No runs have this status.')).toBeVisible();
});

test('an invalid filter in the address is reported without retries', async () => {
  const requests = serve({ [`${PATHS.runs}&status=nonsense`]: refusal(422, 'invalid_input') });
  open('/runs?status=nonsense');
  expect(await screen.findByText(/This page of runs does not exist/)).toBeVisible();
  expect(requests).toHaveBeenCalledTimes(1);
});

test('an unavailable server is reported', async () => {
  serve({ [PATHS.runs]: new TypeError('Failed to fetch') });
  open('/runs');
  expect(await screen.findByText('Connection lost. Trying again …')).toBeVisible();
});
