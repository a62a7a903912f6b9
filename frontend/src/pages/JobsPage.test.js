import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { aJob, aWholeJob } from '../test/jobs.js';
import { axeViolations, open, unisolatedTexts } from '../test/open.js';
import { PATHS, refusal, serve } from '../test/server.js';

const DAY_MS = 86_400_000;
const PAGE = { jobs: [aJob(), aJob({ job_id: 30, title: 'Data Engineer' })], next: null };
const NONE = { jobs: [], next: null };

function serveJobs(more = {}) {
  const answers = { [PATHS.jobs]: PAGE, [PATHS.job]: aWholeJob(), ...more };
  return { answers, requests: serve(answers) };
}

const row = async (name) => (await screen.findByRole('link', { name })).closest('li');

test('jobs are listed with company, place, age and what is not as usual', async () => {
  const found = new Date(Date.now() - 3.5 * DAY_MS).toISOString();
  const missing = aJob({ found_at: found, at_least_since: true, state: 'missing', missing_since: found });
  serveJobs({ [PATHS.jobs]: { jobs: [missing, aJob({ job_id: 30, title: null })], next: null } });
  const { container } = open('/jobs');
  const first = await row('Platform Engineer');
  expect(first).toHaveTextContent('Acme · Hamburg; Remote');
  expect(first).toHaveTextContent(/Not on the board since \w+day/);
  const age = within(first).getByText('at least 3 days ago');
  expect(age).toHaveAttribute('datetime', found);
  expect(age).toHaveAttribute('title');
  expect(await row('A job without a title')).toBeVisible();
  expect(screen.getByText('2 jobs on this page')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Jobs' })).toHaveAttribute('aria-current', 'page');
  expect(await axeViolations(container)).toEqual([]);
});

test('a job is shown beside the list and has the focus; Close returns it', async () => {
  serveJobs();
  const { user, container } = open('/jobs');
  await user.click(await screen.findByRole('link', { name: 'Platform Engineer' }));
  const heading = await screen.findByRole('heading', { name: 'Platform Engineer' });
  expect(heading).toHaveFocus();
  expect(screen.getByText(/First paragraph/)).toHaveTextContent('First paragraph. Second paragraph.');
  expect(screen.getByRole('link', { name: 'Platform Engineer' })).toHaveAttribute('aria-current', 'true');
  const posting = screen.getByRole('link', { name: 'Open the posting' });
  expect(posting).toHaveAttribute('href', 'https://job-boards.greenhouse.io/acme/jobs/1');
  expect(posting).toHaveAttribute('rel', 'noreferrer');
  expect(posting).toHaveAttribute('target', '_blank');
  expect(screen.getByRole('link', { name: 'Run 7' })).toHaveAttribute('href', '/ingest/runs/7');
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('link', { name: 'Close' }));
  expect(screen.queryByRole('heading', { name: 'Platform Engineer' })).toBeNull();
  expect(screen.getByRole('link', { name: 'Platform Engineer' })).toHaveFocus();
});

test('the status of a job and the word of its board stand apart', async () => {
  const since = new Date(Date.now() - 3.5 * DAY_MS).toISOString();
  serveJobs({ [PATHS.job]: aWholeJob({ state: 'missing', missing_since: since }) });
  const { container } = open('/jobs?job=31');
  expect((await screen.findByText('Status')).nextSibling).toHaveTextContent(/^Open$/);
  expect(
    screen.getByText(/^Not on the board since \w+; no run has noted it yet\. Your next run checks again\.$/),
  ).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
});

test('the history of a job is told in words', async () => {
  const at = '2026-01-02T10:00:00Z';
  const history = ['new', 'changed', 'expired', 'reopened'].map((kind, index) => ({
    event_id: index,
    at,
    kind,
    fields: kind === 'changed' ? ['title'] : [],
    listing_id: 1,
  }));
  serveJobs({ [PATHS.job]: aWholeJob({ history }) });
  open('/jobs?job=31');
  const list = (await screen.findByRole('heading', { name: 'History' })).nextSibling;
  expect(
    within(list)
      .getAllByRole('listitem')
      .map((item) => item.lastChild.textContent),
  ).toEqual([
    'Found',
    'Changed: title',
    'Gone: not on its board in at least two readings',
    'Back on its board',
  ]);
});

test.each([
  [{ description: null, text: 'pending' }, /has not arrived yet/],
  [{ description: null, text: 'ready' }, 'This job has no text.'],
  [{ url: 'javascript:alert(1)' }, 'This job has no address that is safe to open.'],
])('a job with %j says so', async (changes, words) => {
  serveJobs({ [PATHS.job]: aWholeJob(changes) });
  open('/jobs?job=31');
  expect(await screen.findByText(words)).toBeVisible();
});

test('a job that does not exist is reported without retries', async () => {
  const { requests } = serveJobs({ [PATHS.job]: refusal(404, 'job_not_found') });
  const { container } = open('/jobs?job=31');
  expect(await screen.findByRole('heading', { name: 'There is no such job' })).toBeVisible();
  expect(requests.mock.calls.filter(([call]) => call === PATHS.job)).toHaveLength(1);
  expect(await axeViolations(container)).toEqual([]);
});

test('a search of titles goes into the request and begins at the first page', async () => {
  const { requests } = serveJobs({
    'GET /api/ingestion/jobs?q=data&after=p2&limit=50': NONE,
    'GET /api/ingestion/jobs?q=data&limit=50': { jobs: [PAGE.jobs[1]], next: null },
    'GET /api/ingestion/jobs?after=p2&limit=50': PAGE,
  });
  const { user } = open('/jobs?after=p2');
  await user.type(await screen.findByRole('searchbox', { name: 'Search titles' }), ' data ');
  await waitFor(() => expect(screen.queryByRole('link', { name: 'Platform Engineer' })).toBeNull());
  expect(screen.getByRole('link', { name: 'Data Engineer' })).toBeVisible();
  expect(requests).toHaveBeenCalledWith('GET /api/ingestion/jobs?q=data&limit=50');
  expect(screen.getByRole('searchbox')).toHaveFocus();
});

test('a search without hits leads back to all jobs and empties the field', async () => {
  serveJobs({ 'GET /api/ingestion/jobs?q=none&limit=50': NONE });
  const { user, container } = open('/jobs?q=none');
  expect(await screen.findByText('No jobs match.')).toBeVisible();
  expect(screen.getByRole('searchbox')).toHaveValue('none');
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('link', { name: 'See all jobs' }));
  expect(await screen.findByRole('link', { name: 'Data Engineer' })).toBeVisible();
  expect(screen.getByRole('searchbox')).toHaveValue('');
});

test('state and run are filters in the address', async () => {
  serveJobs({
    'GET /api/ingestion/jobs?run=7&limit=50': PAGE,
    'GET /api/ingestion/jobs?state=gone&run=7&limit=50': { jobs: [aJob({ title: 'Gone job' })], next: null },
    'GET /api/ingestion/jobs?state=gone&limit=50': NONE,
  });
  const { user } = open('/jobs?run=7');
  expect(await screen.findByText('Only jobs of run 7.')).toBeVisible();
  await user.selectOptions(screen.getByRole('combobox', { name: 'State' }), 'Gone');
  expect(await screen.findByRole('link', { name: 'Gone job' })).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Show all runs' }));
  expect(await screen.findByText('No jobs match.')).toBeVisible();
  expect(screen.queryByText('Only jobs of run 7.')).toBeNull();
  expect(screen.getByRole('heading', { level: 1 })).toHaveFocus();
});

test('Older and Newest keep the filter, close the job and focus the heading', async () => {
  serveJobs({
    'GET /api/ingestion/jobs?state=open&limit=50': { jobs: [aJob()], next: 'p2' },
    'GET /api/ingestion/jobs?state=open&after=p2&limit=50': {
      jobs: [aJob({ title: 'Older job' })],
      next: null,
    },
  });
  const { user } = open('/jobs?state=open&job=31');
  await user.click(await screen.findByRole('link', { name: 'Older' }));
  expect(await screen.findByRole('link', { name: 'Older job' })).toBeVisible();
  expect(screen.queryByRole('link', { name: 'Close' })).toBeNull();
  expect(screen.getByRole('heading', { level: 1 })).toHaveFocus();
  await user.click(screen.getByRole('link', { name: 'Newest' }));
  expect(await screen.findByRole('link', { name: 'Platform Engineer' })).toBeVisible();
});

test('without any job the page leads to a run', async () => {
  serveJobs({ [PATHS.jobs]: NONE });
  const { container } = open('/jobs');
  expect(await screen.findByText(/^You have no jobs yet\./)).toBeVisible();
  expect(screen.getByRole('link', { name: 'Set up a run' })).toHaveAttribute('href', '/ingest');
  expect(await axeViolations(container)).toEqual([]);
});

test('a page behind the last one leads to the newest', async () => {
  serveJobs({ 'GET /api/ingestion/jobs?after=p9&limit=50': NONE });
  open('/jobs?after=p9');
  expect(await screen.findByText(/^There are no older jobs\./)).toBeVisible();
  expect(screen.getByRole('link', { name: 'Newest' })).toBeVisible();
});

test('an invalid filter is reported, and an unavailable server too', async () => {
  const { answers } = serveJobs({
    'GET /api/ingestion/jobs?state=odd&limit=50': refusal(422, 'invalid_input'),
  });
  const { user } = open('/jobs?state=odd');
  expect(await screen.findByText(/^This page of jobs does not exist\./)).toBeVisible();
  answers[PATHS.jobs] = new TypeError('Failed to fetch');
  await user.click(screen.getByRole('link', { name: 'See all jobs' }));
  expect(await screen.findByText('Connection lost. Trying again …')).toBeVisible();
});

test('texts of a job that change the direction are isolated', async () => {
  const odd = 'O\u202edd';
  const job = { title: odd, company_name: odd, locations: [odd], employment_type: odd };
  serveJobs({
    [PATHS.jobs]: { jobs: [aJob(job)], next: null },
    [PATHS.job]: aWholeJob({ ...job, description: odd, requirements: odd }),
  });
  const { container } = open('/jobs?job=31');
  await screen.findByRole('heading', { name: 'Requirements' });
  expect(unisolatedTexts(container)).toEqual([]);
});
