import { screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { aCompany, aDetected, SOURCES } from '../../../test/companies.js';
import { objections, open } from '../../../test/open.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

function serveDetect(detect, more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies: [] },
    [PATHS.detect]: detect,
    ...more,
  };
  return { answers, asked: serve(answers) };
}

async function find(user, address) {
  await user.type(await screen.findByLabelText('Address of its careers page'), address);
  await user.click(screen.getByRole('button', { name: 'Find it' }));
}

test('what an address leads to is shown, and saved when one says so', async () => {
  const { answers, asked } = serveDetect(aDetected({ name: 'Acme Corp', note: 'A note.' }));
  answers[PATHS.addCompany] = () => {
    answers[PATHS.companies] = { companies: [aCompany({ name: 'Acme' })] };
    return aCompany({ name: 'Acme' });
  };
  const { user, container } = open('/ingest');
  await find(user, 'acme.example/jobs');
  const heading = await screen.findByRole('heading', { name: 'Acme Corp' });
  await waitFor(() => expect(heading).toHaveFocus());
  expect(asked).toHaveBeenCalledWith(PATHS.detect, { url: 'https://acme.example/jobs' });
  expect(screen.getByText(/Greenhouse, board/)).toHaveTextContent('Greenhouse, board acme: 37 postings.');
  expect(screen.getByText('Engineer')).toBeVisible();
  expect(screen.getByText('A note.')).toBeVisible();
  expect(asked).not.toHaveBeenCalledWith(PATHS.addCompany, expect.anything());
  expect(await objections(container)).toEqual([]);
  const name = screen.getByLabelText('Name in your list');
  expect(name).toHaveValue('Acme Corp');
  await user.clear(name);
  await user.type(name, ' Acme ');
  await user.click(screen.getByRole('button', { name: 'Add to my list' }));
  expect(await screen.findByText('Acme was added.')).toBeVisible();
  expect(asked).toHaveBeenCalledWith(PATHS.addCompany, {
    source: 'greenhouse',
    board: 'acme',
    name: 'Acme',
    enabled: true,
    include: [],
    exclude: [],
  });
  expect(screen.getByLabelText('Address of its careers page')).toHaveFocus();
  expect(screen.getByLabelText('Address of its careers page')).toHaveValue('');
  expect(sessionStorage).toHaveLength(0);
});

test('a system and a board can be named instead; a board without a name lends its own', async () => {
  const { asked } = serveDetect(aDetected({ name: null, board: 'birch' }));
  const { user } = open('/ingest');
  await user.click(await screen.findByText('Choose the system and the board yourself'));
  await screen.findByRole('option', { name: 'Lever' });
  await user.selectOptions(screen.getByLabelText('System'), 'Lever');
  expect(screen.getByText('What follows jobs.lever.co.')).toBeVisible();
  await user.type(screen.getByLabelText('Board'), ' birch {Enter}');
  expect(await screen.findByLabelText('Name in your list')).toHaveValue('birch');
  expect(asked).toHaveBeenCalledWith(PATHS.detect, { source: 'lever', board: 'birch' });
});

test('looking is seen, and can be given up', async () => {
  const { asked } = serveDetect(() => new Promise(() => {}));
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByText(/^Looking at the board …/)).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Find it' }));
  expect(asked.mock.calls.filter(([call]) => call === PATHS.detect)).toHaveLength(1);
  await user.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(screen.queryByText(/^Looking/)).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
  expect(screen.getByLabelText('Address of its careers page')).toHaveFocus();
  await user.click(screen.getByRole('button', { name: 'Find it' }));
  expect(asked.mock.calls.filter(([call]) => call === PATHS.detect)).toHaveLength(2);
});

test('a slow board is waited for, for 70 seconds', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const limits = vi.spyOn(AbortSignal, 'timeout');
    serveDetect(aDetected());
    const { user } = open('/ingest');
    await find(user, 'acme.example');
    await screen.findByLabelText('Name in your list');
    expect(limits).toHaveBeenCalledWith(70_000);
    expect(limits.mock.calls.filter(([limit]) => limit > 15_000)).toHaveLength(1);
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ['address_refused', 'Paste the public https address'],
  ['board_not_recognised', 'choose the system and the board yourself'],
  ['board_not_found', 'Check how the board’s name is spelt.'],
  ['detect_busy', 'Try again in a moment.'],
])('%s is told, with what to do', async (code, words) => {
  serveDetect(refusal(422, code));
  const { user, container } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByRole('alert')).toHaveTextContent(words);
  expect(await objections(container)).toEqual([]);
});

test('several boards are a choice, and each leads on', async () => {
  const candidates = [
    { source: 'lever', source_name: 'Lever', board: 'acme-eu' },
    { source: 'greenhouse', source_name: 'Greenhouse', board: 'acme' },
  ];
  const { answers, asked } = serveDetect(refusal(422, 'several_boards', { candidates }));
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  const choice = await screen.findByRole('button', { name: 'Lever: acme-eu' });
  answers[PATHS.detect] = aDetected({ source: 'lever', board: 'acme-eu', name: 'Acme EU' });
  await user.click(choice);
  expect(await screen.findByRole('heading', { name: 'Acme EU' })).toBeVisible();
  expect(asked).toHaveBeenCalledWith(PATHS.detect, { source: 'lever', board: 'acme-eu' });
});

test('a board that has moved can be followed', async () => {
  const candidates = [{ source: 'lever', source_name: 'Lever', board: 'acme' }];
  const { answers, asked } = serveDetect(refusal(422, 'board_moved', { candidates }));
  const { user, container } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByRole('alert')).toHaveTextContent('The board has moved.');
  expect(await objections(container)).toEqual([]);
  answers[PATHS.detect] = aDetected({ source: 'lever', board: 'acme', name: 'Acme there' });
  await user.click(screen.getByRole('button', { name: 'Follow to Lever: acme' }));
  expect(await screen.findByRole('heading', { name: 'Acme there' })).toBeVisible();
  expect(asked).toHaveBeenCalledWith(PATHS.detect, { source: 'lever', board: 'acme' });
});

test('what is in the list already is told kindly, and not saved again', async () => {
  serveDetect(aDetected({ company_id: 12 }), {
    [PATHS.companies]: { companies: [aCompany({ name: 'My Acme' })] },
  });
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByText('It is already in your list as My Acme.')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Add to my list' })).toBeNull();
  await user.click(screen.getByRole('button', { name: 'All right' }));
  expect(screen.queryByText(/already in your list/)).toBeNull();
});

test('the same when another tab was faster', async () => {
  serveDetect(aDetected(), { [PATHS.addCompany]: refusal(409, 'company_exists', { company_id: 12 }) });
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  await user.click(await screen.findByRole('button', { name: 'Add to my list' }));
  expect(await screen.findByText('It is already in your list.')).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a name that is refused is told at the name', async () => {
  serveDetect(aDetected(), {
    [PATHS.addCompany]: refusal(422, 'invalid', { errors: { name: ['Too odd.'] } }),
  });
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  await user.click(await screen.findByRole('button', { name: 'Add to my list' }));
  await waitFor(() =>
    expect(screen.getByLabelText('Name in your list')).toHaveAccessibleDescription('Too odd.'),
  );
});
