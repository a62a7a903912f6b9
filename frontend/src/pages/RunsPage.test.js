import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { objections, open } from '../test/open.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../test/server.js';

const PAGE = { runs: [aRun(), anEndedRun('finished', { run_id: 6 })], next_before: 6 };

test('runs are listed newest first, each row a link', async () => {
  serve({ [PATHS.runs]: PAGE });
  const { container } = open('/runs');
  const rows = await screen.findAllByRole('link', { name: /^Run \d/ });
  expect(rows.map((row) => row.getAttribute('href'))).toEqual(['/ingest/runs/7', '/ingest/runs/6']);
  expect(rows[0]).toHaveTextContent('in progress');
  expect(rows[1]).toHaveTextContent('12 s');
  expect(await objections(container)).toEqual([]);
});

test('the next page and the way back stand in the address', async () => {
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

test('a status can be chosen, and is kept on the next page', async () => {
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

test('what was shown before is not shown again until the server answers', async () => {
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

test('no runs yet, and none in a status, are told apart', async () => {
  const none = { runs: [], next_before: null };
  serve({ [PATHS.runs]: none, [`${PATHS.runs}&status=error`]: none });
  const { user, container } = open('/runs');
  expect(await screen.findByText('There are no runs yet.')).toBeVisible();
  expect(await objections(container)).toEqual([]);
  await user.selectOptions(screen.getByRole('combobox', { name: 'Status' }), 'Error');
  expect(await screen.findByText('No runs here.')).toBeVisible();
});

test('an address with nonsense in it is told, and asked for once', async () => {
  const asked = serve({ [`${PATHS.runs}&status=nonsense`]: refusal(422, 'invalid_input') });
  open('/runs?status=nonsense');
  expect(await screen.findByText(/There is no such page of runs/)).toBeVisible();
  expect(asked).toHaveBeenCalledTimes(1);
});

test('a server that is away is told', async () => {
  serve({ [PATHS.runs]: new TypeError('Failed to fetch') });
  open('/runs');
  expect(await screen.findByText('Connection lost, retrying.')).toBeVisible();
});
