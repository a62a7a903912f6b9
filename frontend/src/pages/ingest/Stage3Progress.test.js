import { screen, waitFor, within } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { axeViolations, open } from '../../test/open.js';
import { anEndedRun, aRun, PATHS, refusal, serve } from '../../test/server.js';

const STARTED = {
  seq: 1,
  at: '2026-01-02T10:00:00Z',
  from: null,
  to: 'pending',
  actor: 'user',
  request_id: null,
};

function serveRun(run, more = {}) {
  const answers = { [PATHS.run]: run, [PATHS.events]: { events: [STARTED] }, ...more };
  return { answers, requests: serve(answers) };
}

function icon() {
  return document.querySelector('link[rel="icon"]');
}

/** Tab title and icon show no status that may be out of date. */
async function expectUncertainTab() {
  expect(await screen.findByText(/^Checking the status again\. Last updated at /)).toBeVisible();
  expect(document.title).toBe('Run 7 · Job Ingestion');
  expect(icon()).toHaveAttribute('href', expect.stringMatching(/favicon-unknown/));
}

async function confirmAbort(user) {
  await user.click(await screen.findByRole('button', { name: 'Abort' }));
  await user.click(screen.getByRole('button', { name: 'Abort run' }));
}

test('an active run shows ID, Abort, badge, times, sentence and timeline', async () => {
  serveRun(aRun());
  const { container } = open('/ingest/runs/7');
  expect(await screen.findByRole('button', { name: 'Abort' })).toBeVisible();
  expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('Run 7');
  expect(screen.getByText('Pending')).toBeVisible();
  expect(screen.getByRole('timer')).toHaveTextContent(/^1 min \d+ s$/);
  expect(screen.getByRole('heading', { name: 'Waiting for a worker' })).toBeVisible();
  expect(await screen.findByText('Started')).toBeVisible();
  expect(document.title).toBe('Run 7 · Pending · Job Ingestion');
  expect(icon()).toHaveAttribute('href', '/favicon-active.svg');
  expect(screen.queryByRole('link', { name: 'Set up a new run' })).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
});

test.each([
  ['finished', { jobs_ready: 0 }, 'No job came of this run', 'success'],
  ['aborted', {}, 'Aborted before it brought a job', 'warning'],
  ['error', { error_message: 'The board was deleted.' }, 'The board was deleted.', 'danger'],
])(
  'a run with status %s shows its end, duration and a link to a new run',
  async (status, changes, words, favicon) => {
    serveRun(anEndedRun(status, changes));
    const { container } = open('/ingest/runs/7');
    expect(await screen.findByRole('link', { name: 'Set up a new run' })).toHaveAttribute('href', '/ingest');
    expect(screen.getByText('Took').nextSibling).toHaveTextContent('12 s');
    expect(screen.getByText(words)).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Abort' })).toBeNull();
    expect(icon()).toHaveAttribute('href', `/favicon-${favicon}.svg`);
    expect(await axeViolations(container)).toEqual([]);
  },
);

test('an ended run is not fetched again', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { requests } = serveRun(anEndedRun('finished'));
    open('/ingest/runs/7');
    await screen.findByText('Finished');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests.mock.calls.filter(([call]) => call === PATHS.run)).toHaveLength(1);
  } finally {
    vi.useRealTimers();
  }
});

test('the counts of a run are shown, each with a word of explanation', async () => {
  serveRun(
    anEndedRun('finished', {
      total_jobs: 1237,
      jobs_new: 1200,
      jobs_ready: 1203,
      jobs_changed: 3,
      jobs_skipped: 34,
      jobs_expired: 4,
      jobs_failed: 30,
      previewed: 1230,
      note: 'A remark.',
      retry_of: 6,
    }),
  );
  const { container } = open('/ingest/runs/7');
  expect(await screen.findByRole('heading', { name: /^1.?200 new jobs, 3 changed, 4 gone$/ })).toBeVisible();
  expect(screen.getByText('Unchanged').nextSibling).toHaveTextContent('34');
  expect(screen.getByText('Unchanged').parentNode).toHaveTextContent(
    'Yours already; their board brought no change.',
  );
  expect(screen.getByText('Could not be read').nextSibling).toHaveTextContent('30');
  expect(screen.getByText(/^1.?230 were previewed, 1.?237 matched\.$/)).toBeVisible();
  expect(screen.getByText('A remark.')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Retry of run 6' })).toHaveAttribute('href', '/ingest/runs/6');
  expect(screen.getByRole('link', { name: 'See the jobs of this run' })).toHaveAttribute(
    'href',
    '/jobs?run=7',
  );
  expect(await axeViolations(container)).toEqual([]);
});

test('Abort asks first, and Keep running sends nothing', async () => {
  const { requests } = serveRun(aRun());
  const { user, container } = open('/ingest/runs/7');
  await user.click(await screen.findByRole('button', { name: 'Abort' }));
  expect(screen.getByRole('button', { name: 'Keep running' })).toHaveFocus();
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Keep running' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(requests).not.toHaveBeenCalledWith(PATHS.abort);
});

test('the badge changes only after the server confirmed the abort', async () => {
  let answer;
  const { answers } = serveRun(aRun(), {
    [PATHS.abort]: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  });
  const { user } = open('/ingest/runs/7');
  await confirmAbort(user);
  expect(screen.getByRole('button', { name: 'Aborting …' })).toHaveAttribute('aria-disabled', 'true');
  expect(screen.getByText('Pending')).toBeVisible();
  answers[PATHS.run] = anEndedRun('aborted');
  answer({ success: true, message: 'Run 7 aborted' });
  expect(await screen.findByText('Aborted')).toBeVisible();
  await waitFor(() => expect(screen.getByRole('heading', { level: 1 })).toHaveFocus());
});

test('an unconfirmed abort is reported, can be dismissed and repeated', async () => {
  const { answers, requests } = serveRun(aRun(), { [PATHS.abort]: refusal(503, 'database_unavailable') });
  const { user, container } = open('/ingest/runs/7');
  await confirmAbort(user);
  const alert = await screen.findByRole('alert');
  expect(alert).toHaveTextContent(
    'We do not know whether the run was aborted. The server is temporarily unavailable.',
  );
  expect(await axeViolations(container)).toEqual([]);
  await user.click(within(alert).getByRole('button', { name: 'Dismiss this message' }));
  expect(screen.queryByRole('alert')).toBeNull();
  answers[PATHS.abort] = () => {
    answers[PATHS.run] = anEndedRun('aborted');
    return { success: true, message: 'Run 7 aborted' };
  };
  await confirmAbort(user);
  expect(await screen.findByText('Aborted')).toBeVisible();
  expect(requests.mock.calls.filter(([call]) => call === PATHS.abort)).toHaveLength(2);
});

test('an abort after the end of the run is a notice, not an alert', async () => {
  const { answers } = serveRun(aRun(), {
    [PATHS.abort]: () => {
      answers[PATHS.run] = anEndedRun('finished');
      return refusal(409, 'run_moved', { run_status: 'finished', success: false });
    },
  });
  const { user } = open('/ingest/runs/7');
  await confirmAbort(user);
  expect(await screen.findByText('The run had already ended before the abort reached it.')).toBeVisible();
  expect(screen.getByText('Finished')).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a lost connection keeps the last state and stops the clock', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { answers } = serveRun(aRun());
    open('/ingest/runs/7');
    await screen.findByText('Pending');
    answers[PATHS.run] = new TypeError('Failed to fetch');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await screen.findByText(/^Connection lost\. Trying again … Last updated at /)).toBeVisible();
    expect(screen.getByText('Pending')).toBeVisible();
    expect(document.title).toBe('Run 7 · Connection lost · Job Ingestion');
    expect(icon()).toHaveAttribute('href', expect.stringMatching(/favicon-unknown/));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(screen.getByRole('timer')).toHaveTextContent('1 min 5 s');
    answers[PATHS.run] = anEndedRun('finished');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await screen.findByText('Finished')).toBeVisible();
    expect(screen.queryByText(/Connection lost/)).toBeNull();
  } finally {
    vi.useRealTimers();
  }
});

test('after a sleep of the computer the status is marked as uncertain', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { answers } = serveRun(aRun());
    const { container } = open('/ingest/runs/7');
    await screen.findByText('Pending');
    let answer;
    answers[PATHS.run] = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    vi.setSystemTime(Date.now() + 600_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await expectUncertainTab();
    expect(screen.getByRole('timer')).toHaveTextContent('1 min 5 s');
    expect(await axeViolations(container)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    answer(anEndedRun('finished'));
    expect(await screen.findByText('Finished')).toBeVisible();
    expect(document.title).toBe('Run 7 · Finished · Job Ingestion');
    expect(screen.queryByText(/Checking the status again/)).toBeNull();
  } finally {
    vi.useRealTimers();
  }
});

test('a tab that the browser freezes shows no status in its title', async () => {
  serveRun(aRun());
  open('/ingest/runs/7');
  await screen.findByText('Pending');
  document.dispatchEvent(new Event('freeze'));
  await expectUncertainTab();
  await waitFor(() => expect(document.title).toBe('Run 7 · Pending · Job Ingestion'));
});

test('an ended run is never marked as uncertain', async () => {
  serveRun(anEndedRun('finished'));
  open('/ingest/runs/7');
  await screen.findByText('Finished');
  document.dispatchEvent(new Event('freeze'));
  expect(document.title).toBe('Run 7 · Finished · Job Ingestion');
});

test('an unknown run shows a page with links, not a spinner', async () => {
  const requests = serve({ [PATHS.run]: refusal(404, 'run_not_found') });
  const { container } = open('/ingest/runs/7');
  expect(await screen.findByRole('heading', { name: 'There is no run 7' })).toBeVisible();
  expect(screen.getByRole('link', { name: 'See your runs' })).toHaveAttribute('href', '/runs');
  expect(requests).toHaveBeenCalledTimes(1);
  expect(await axeViolations(container)).toEqual([]);
});

test('the run ID of the address is encoded in the request', async () => {
  const requests = serve({});
  open('/ingest/runs/..%2F..%2Fhealthz');
  await screen.findByRole('heading', { name: /^There is no run/ });
  expect(requests).toHaveBeenCalledWith('GET /api/ingestion/runs/..%2F..%2Fhealthz');
});

test('a run whose first request failed is fetched until it succeeds', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { answers } = serveRun(new TypeError('Failed to fetch'));
    open('/ingest/runs/7');
    const message = await screen.findByText('Connection lost. Trying again …');
    expect(document.title).toBe('Run 7 · Connection lost · Job Ingestion');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(message).toBeVisible();
    answers[PATHS.run] = anEndedRun('finished');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await screen.findByText('Finished')).toBeVisible();
    expect(message).not.toBeInTheDocument();
  } finally {
    vi.useRealTimers();
  }
});

test('an error of the server is not reported as a lost connection', async () => {
  serveRun(refusal(500, 'internal_error', { request_id: 'abc-1' }));
  open('/ingest/runs/7');
  expect(
    await screen.findByText(
      /^The server failed\. If it lasts, tell the operator this number: abc-1\. Trying again …/,
    ),
  ).toBeVisible();
});

test('an error page in place of a document is an unreadable answer', async () => {
  serveRun({ status: 500, document: { page: 'of a proxy' } });
  open('/ingest/runs/7');
  expect(await screen.findByText('The server sent an unreadable answer. Trying again …')).toBeVisible();
  expect(document.title).toBe('Run 7 · Server problem · Job Ingestion');
});

test('the end of a run does not move the focus', async () => {
  const { answers } = serveRun(aRun());
  open('/ingest/runs/7');
  await screen.findByRole('button', { name: 'Abort' });
  answers[PATHS.run] = anEndedRun('aborted');
  await screen.findByRole('link', { name: 'Set up a new run' });
  expect(document.body).toHaveFocus();
});

test('dismissing a message focuses the heading', async () => {
  serveRun(aRun(), { [PATHS.abort]: refusal(500, 'internal_error') });
  const { user } = open('/ingest/runs/7');
  await confirmAbort(user);
  await user.click(await screen.findByRole('button', { name: 'Dismiss this message' }));
  expect(screen.getByRole('heading', { level: 1 })).toHaveFocus();
});
