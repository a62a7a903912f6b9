import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import { axeViolations, open } from '../../../test/open.js';
import { someClosings } from '../../../test/runs.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../../../test/server.js';

const asking = (changes = {}) => anEndedRun('finished', { closings: someClosings(changes) });

function serveClosings(answer, run = asking()) {
  const answers = { [PATHS.run]: run, [PATHS.events]: { events: [] }, [PATHS.closings]: answer };
  return { answers, requests: serve(answers) };
}

test.each([
  ['They are gone, close 60 jobs', true, /^You closed 60 jobs/],
  ['Keep them open', false, /^You kept 60 jobs open/],
])('the answer %s is sent, shown and receives the focus', async (name, expire, words) => {
  const { answers, requests } = serveClosings(() => {
    const closings = { state: 'answered', expire, expired: expire ? 60 : 0 };
    answers[PATHS.run] = asking(closings);
    return { closings: someClosings(closings) };
  });
  const { user, container } = open('/ingest/runs/7');
  expect(await screen.findByRole('heading', { name: 'Are 60 jobs really gone?' })).toBeVisible();
  const buttons = screen.getAllByRole('button', { name: /^(They are gone|Keep them)/ });
  expect(buttons.map(({ className }) => className)).toEqual(['button', 'button']);
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name }));
  expect(await screen.findByText(words)).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.closings, { expire });
  expect(screen.queryByRole('button', { name })).toBeNull();
  await waitFor(() =>
    expect(screen.getByRole('heading', { name: 'Are 60 jobs really gone?' })).toHaveFocus(),
  );
});

test('a question that another tab has answered is shown as it is now', async () => {
  const { answers } = serveClosings(() => {
    answers[PATHS.run] = asking({ state: 'answered', expire: false });
    return refusal(409, 'closings_answered');
  });
  const { user, container } = open('/ingest/runs/7');
  await user.click(await screen.findByRole('button', { name: /^They are gone/ }));
  expect(await screen.findByRole('alert')).toHaveTextContent('This question has been answered already.');
  expect(await screen.findByText('You kept 60 jobs open.')).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
});

test('an answer without confirmation is reported, and can be repeated', async () => {
  const { answers } = serveClosings(refusal(503, 'database_unavailable'));
  const { user } = open('/ingest/runs/7');
  await user.click(await screen.findByRole('button', { name: 'Keep them open' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('We do not know whether your answer arrived.');
  answers[PATHS.closings] = () => {
    answers[PATHS.run] = asking({ state: 'answered', expire: false });
    return { closings: someClosings({ state: 'answered', expire: false }) };
  };
  await user.click(screen.getByRole('button', { name: 'Keep them open' }));
  expect(await screen.findByText('You kept 60 jobs open.')).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a superseded question has no buttons', async () => {
  serveClosings(null, asking({ state: 'superseded' }));
  open('/ingest/runs/7');
  expect(await screen.findByText(/^A later run has replaced the question/)).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Keep them open' })).toBeNull();
});

test('a question cannot be answered before its run has ended', async () => {
  serveClosings(null, aRun({ status: 'ingesting', closings: someClosings() }));
  open('/ingest/runs/7');
  expect(
    await screen.findByText(/has closed none of them\. You can answer when this run has ended\.$/),
  ).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Keep them open' })).toBeNull();
});
