import { screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { aCompany, aDetectedBoard, SOURCES } from '../../../test/companies.js';
import { axeViolations, open } from '../../../test/open.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

function serveDetect(detect, more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies: [] },
    [PATHS.detect]: detect,
    ...more,
  };
  return { answers, requests: serve(answers) };
}

async function find(user, address) {
  await user.type(await screen.findByLabelText('Careers page address'), address);
  await user.click(screen.getByRole('button', { name: 'Find board' }));
}

test('the board of an address is shown first and saved on confirmation', async () => {
  const { answers, requests } = serveDetect(aDetectedBoard({ name: 'Acme Corp', note: 'A note.' }));
  answers[PATHS.addCompany] = () => {
    answers[PATHS.companies] = { companies: [aCompany({ name: 'Acme' })] };
    return aCompany({ name: 'Acme' });
  };
  const { user, container } = open('/ingest');
  await find(user, 'acme.example/jobs');
  const heading = await screen.findByRole('heading', { name: 'Acme Corp' });
  await waitFor(() => expect(heading).toHaveFocus());
  expect(requests).toHaveBeenCalledWith(PATHS.detect, { url: 'https://acme.example/jobs' });
  expect(screen.getByText(/Greenhouse, board/)).toHaveTextContent('Greenhouse, board acme: 37 postings.');
  expect(screen.getByText('Engineer')).toBeVisible();
  expect(screen.getByText('A note.')).toBeVisible();
  expect(requests).not.toHaveBeenCalledWith(PATHS.addCompany, expect.anything());
  expect(await axeViolations(container)).toEqual([]);
  const name = screen.getByLabelText('Name in your list');
  expect(name).toHaveValue('Acme Corp');
  await user.clear(name);
  await user.type(name, ' Acme ');
  await user.click(screen.getByRole('button', { name: 'Add to my list' }));
  expect(await screen.findByText('Acme was added.')).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.addCompany, {
    source: 'greenhouse',
    board: 'acme',
    name: 'Acme',
    enabled: true,
    include: [],
    exclude: [],
  });
  expect(screen.getByLabelText('Careers page address')).toHaveFocus();
  expect(screen.getByLabelText('Careers page address')).toHaveValue('');
  expect(sessionStorage).toHaveLength(0);
});

test('source and board can be entered; the board is the default name', async () => {
  const { requests } = serveDetect(aDetectedBoard({ name: null, board: 'birch' }));
  const { user } = open('/ingest');
  await user.click(await screen.findByText('Choose the job board system yourself'));
  await screen.findByRole('option', { name: 'Lever' });
  await user.selectOptions(screen.getByLabelText('Job board system'), 'Lever');
  expect(screen.getByText('What follows jobs.lever.co.')).toBeVisible();
  await user.type(screen.getByLabelText('Board'), ' birch {Enter}');
  expect(await screen.findByLabelText('Name in your list')).toHaveValue('birch');
  expect(requests).toHaveBeenCalledWith(PATHS.detect, { source: 'lever', board: 'birch' });
});

test('a pending search is shown and can be cancelled', async () => {
  const { requests } = serveDetect(() => new Promise(() => {}));
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByText(/^Looking for the board …/)).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Find board' }));
  expect(requests.mock.calls.filter(([call]) => call === PATHS.detect)).toHaveLength(1);
  await user.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(screen.queryByText(/^Looking/)).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
  expect(screen.getByLabelText('Careers page address')).toHaveFocus();
  await user.click(screen.getByRole('button', { name: 'Find board' }));
  expect(requests.mock.calls.filter(([call]) => call === PATHS.detect)).toHaveLength(2);
});

test('the request for a board may take 70 seconds', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const limits = vi.spyOn(AbortSignal, 'timeout');
    serveDetect(aDetectedBoard());
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
  ['board_not_recognised', 'choose the job board system yourself'],
  ['board_not_found', 'Check the spelling of the board’s name.'],
  ['detect_busy', 'Try again in a moment.'],
  ['too_many_detections', 'Try again when one of them is done.'],
])('%s is reported with advice', async (code, words) => {
  serveDetect(refusal(422, code));
  const { user, container } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByRole('alert')).toHaveTextContent(words);
  expect(await axeViolations(container)).toEqual([]);
});

test('several boards are offered as a choice', async () => {
  const candidates = [
    { source: 'lever', source_name: 'Lever', board: 'acme-eu' },
    { source: 'greenhouse', source_name: 'Greenhouse', board: 'acme' },
  ];
  const { answers, requests } = serveDetect(refusal(422, 'several_boards', { candidates }));
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  const choice = await screen.findByRole('button', { name: 'Lever: acme-eu' });
  answers[PATHS.detect] = aDetectedBoard({ source: 'lever', board: 'acme-eu', name: 'Acme EU' });
  await user.click(choice);
  expect(await screen.findByRole('heading', { name: 'Acme EU' })).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.detect, { source: 'lever', board: 'acme-eu' });
});

test('a moved board can be followed', async () => {
  const candidates = [{ source: 'lever', source_name: 'Lever', board: 'acme' }];
  const { answers, requests } = serveDetect(refusal(422, 'board_moved', { candidates }));
  const { user, container } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByRole('alert')).toHaveTextContent('The board has moved.');
  expect(await axeViolations(container)).toEqual([]);
  answers[PATHS.detect] = aDetectedBoard({ source: 'lever', board: 'acme', name: 'Acme there' });
  await user.click(screen.getByRole('button', { name: 'Lever: acme' }));
  expect(await screen.findByRole('heading', { name: 'Acme there' })).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.detect, { source: 'lever', board: 'acme' });
});

test('a company already in the list is reported and not added', async () => {
  serveDetect(aDetectedBoard({ company_id: 12 }), {
    [PATHS.companies]: { companies: [aCompany({ name: 'My Acme' })] },
  });
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  expect(await screen.findByText('This company is already in your list as My Acme.')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Add to my list' })).toBeNull();
  await user.click(screen.getByRole('button', { name: 'OK' }));
  expect(screen.queryByText(/already in your list/)).toBeNull();
});

test('a company that another tab has just added is reported', async () => {
  serveDetect(aDetectedBoard(), { [PATHS.addCompany]: refusal(409, 'company_exists', { company_id: 12 }) });
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  await user.click(await screen.findByRole('button', { name: 'Add to my list' }));
  expect(await screen.findByText('This company is already in your list.')).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a refused name is reported at its field', async () => {
  serveDetect(aDetectedBoard(), {
    [PATHS.addCompany]: refusal(422, 'invalid', { errors: { name: ['Too odd.'] } }),
  });
  const { user } = open('/ingest');
  await find(user, 'acme.example');
  await user.click(await screen.findByRole('button', { name: 'Add to my list' }));
  await waitFor(() =>
    expect(screen.getByLabelText('Name in your list')).toHaveAccessibleDescription('Too odd.'),
  );
});

test('a board known under another name can be added anyway', async () => {
  const same = { company_id: 12, name: 'Acme' };
  serveDetect(aDetectedBoard({ source: 'website', board: 'jobs.acme.example', same_as: same }), {
    [PATHS.companies]: { companies: [aCompany()] },
    [PATHS.addCompany]: { ...aCompany({ company_id: 13, name: 'Acme 2' }), same_as: same },
  });
  const { user, container } = open('/ingest');
  await find(user, 'jobs.acme.example');
  const note = 'This board is already among your companies as “Acme”, under another name.';
  expect(await screen.findByText(note)).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Add to my list' })).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Add it anyway' }));
  const added = await screen.findByText(/^Acme 2 was added\. Its board is the same as that of “Acme”/);
  expect(added.closest('[role=status]')).not.toBeNull();
});

test('a twin that was removed meanwhile is not mentioned', async () => {
  serveDetect(aDetectedBoard({ same_as: { company_id: 12, name: 'Acme' } }));
  const { user } = open('/ingest');
  await find(user, 'jobs.acme.example');
  expect(await screen.findByRole('button', { name: 'Add to my list' })).toBeVisible();
  expect(screen.queryByText(/under another name/)).toBeNull();
});
