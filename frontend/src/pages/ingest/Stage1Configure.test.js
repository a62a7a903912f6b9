import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { aCompany, aDetectedBoard, SOURCES } from '../../test/companies.js';
import { axeViolations, open, unisolatedTexts } from '../../test/open.js';
import { NO_CONTENT, PATHS, refusal, serve } from '../../test/server.js';

const BETA = aCompany({
  company_id: 13,
  source: 'lever',
  source_name: 'Lever',
  board: 'beta',
  name: 'Beta',
  enabled: false,
  include: ['engineer', 'designer'],
  exclude: ['intern'],
  listing: { at: '2026-01-02T10:00:00Z', outcome: 'not_found', detail: null, postings: null },
});
const LISTED = { at: '2026-01-02T10:00:00Z', outcome: 'ok', detail: null, postings: 37 };

function serveList(companies, more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies },
    ...more,
  };
  return { answers, requests: serve(answers) };
}

const row = async (name) => (await screen.findByText(name, { selector: 'strong' })).closest('li');

test('each company shows its board, filters and last listing', async () => {
  serveList([aCompany({ listing: LISTED }), BETA]);
  const { container } = open('/ingest');
  const acme = await row('Acme');
  const board = within(acme).getByRole('link', { name: 'acme' });
  expect(board).toHaveAttribute('href', 'https://job-boards.greenhouse.io/acme');
  expect(board).toHaveAttribute('rel', 'noreferrer');
  expect(board).toHaveAttribute('target', '_blank');
  expect(acme).toHaveTextContent('37 postings');
  expect(acme).toHaveTextContent('Every title.');
  const beta = await row('Beta');
  expect(beta).toHaveTextContent('Titles with engineer, designer; not with intern.');
  expect(beta).toHaveTextContent('Not read: This board does not exist. Its address may have changed');
  expect(within(beta).getByRole('checkbox')).not.toBeChecked();
  expect(screen.getByText('2 companies, 1 enabled')).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
});

test('the search covers names, boards and sources', async () => {
  serveList([aCompany(), BETA]);
  const { user } = open('/ingest');
  await user.type(await screen.findByRole('searchbox'), 'lever');
  expect(await screen.findByText('1 of 2 companies, 1 enabled')).toBeVisible();
  expect(screen.queryByText('Acme', { selector: 'strong' })).toBeNull();
  await user.type(screen.getByRole('searchbox'), ' x');
  expect(await screen.findByText('No companies match.')).toBeVisible();
});

test('the Enabled switch is sent at once and taken back after a refusal', async () => {
  const { answers, requests } = serveList([aCompany()]);
  answers[PATHS.changeCompany] = () => {
    answers[PATHS.companies] = { companies: [aCompany({ enabled: false })] };
    return aCompany({ enabled: false });
  };
  const { user } = open('/ingest');
  const box = await screen.findByRole('checkbox', { name: 'Enabled: Acme' });
  await user.click(box);
  await waitFor(() => expect(box).not.toBeChecked());
  expect(requests).toHaveBeenCalledWith(PATHS.changeCompany, {
    enabled: false,
    updated_at: '2026-01-02T10:00:00Z',
  });
  answers[PATHS.changeCompany] = refusal(503, 'database_unavailable');
  await user.click(box);
  expect(await screen.findByRole('alert')).toHaveTextContent(
    'We do not know whether your change to Acme was saved.',
  );
  expect(box).not.toBeChecked();
});

test('two fast clicks on Enabled end with the second', async () => {
  const { answers, requests } = serveList([aCompany()]);
  let answer;
  answers[PATHS.changeCompany] = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const { user } = open('/ingest');
  const box = await screen.findByRole('checkbox', { name: 'Enabled: Acme' });
  await user.click(box);
  await waitFor(() => expect(box).not.toBeChecked());
  await user.click(box);
  await waitFor(() => expect(box).toBeChecked());
  const later = '2026-01-02T11:00:00Z';
  answer(aCompany({ enabled: false, updated_at: later }));
  await waitFor(() =>
    expect(requests).toHaveBeenCalledWith(PATHS.changeCompany, { enabled: true, updated_at: later }),
  );
  expect(box).toBeChecked();
  answer(aCompany());
  await waitFor(() => expect(box).toBeChecked());
});

test('Enabled sends the version it is based on and reports a conflict', async () => {
  const { answers, requests } = serveList([aCompany()]);
  const company = aCompany({ include: ['data'], updated_at: '2026-01-02T11:00:00Z' });
  answers[PATHS.changeCompany] = () => {
    answers[PATHS.companies] = { companies: [company] };
    return refusal(409, 'company_changed', { company });
  };
  const { user } = open('/ingest');
  const box = await screen.findByRole('checkbox', { name: 'Enabled: Acme' });
  await user.click(box);
  expect(await screen.findByRole('alert')).toHaveTextContent(
    'Its filters are now: titles with data. Your change was not saved.',
  );
  expect(box).toBeChecked();
  answers[PATHS.changeCompany] = () => {
    answers[PATHS.companies] = { companies: [{ ...company, enabled: false }] };
    return { ...company, enabled: false };
  };
  await user.click(box);
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  expect(requests).toHaveBeenLastCalledWith(PATHS.changeCompany, {
    enabled: false,
    updated_at: '2026-01-02T11:00:00Z',
  });
});

test('Remove works at once, and Undo restores everything', async () => {
  const { answers, requests } = serveList([aCompany(), BETA]);
  answers['DELETE /api/ingestion/companies/13'] = () => {
    answers[PATHS.companies] = { companies: [aCompany()] };
    return NO_CONTENT;
  };
  answers[PATHS.addCompany] = () => {
    const back = { ...BETA, company_id: 40 };
    answers[PATHS.companies] = { companies: [aCompany(), back] };
    return back;
  };
  const { user, container } = open('/ingest');
  await user.click(await screen.findByRole('button', { name: 'Remove Beta' }));
  expect(await screen.findByText('Beta was removed.')).toBeVisible();
  const undo = screen.getByRole('button', { name: 'Undo the removal of Beta' });
  expect(undo.closest('[role=status]')).not.toBeNull();
  expect(undo).toHaveFocus();
  await waitFor(() => expect(screen.queryByText('Beta', { selector: 'strong' })).toBeNull());
  expect(await axeViolations(container)).toEqual([]);
  await user.click(undo);
  await waitFor(async () => expect(await row('Beta')).toHaveFocus());
  expect(requests).toHaveBeenCalledWith(PATHS.addCompany, {
    source: 'lever',
    board: 'beta',
    name: 'Beta',
    enabled: false,
    include: ['engineer', 'designer'],
    exclude: ['intern'],
  });
  expect(screen.queryByText('Beta was removed.')).toBeNull();
});

test('each removed company can be restored or dismissed', async () => {
  const { answers } = serveList([aCompany(), BETA]);
  answers[PATHS.removeCompany] = NO_CONTENT;
  answers['DELETE /api/ingestion/companies/13'] = NO_CONTENT;
  answers[PATHS.addCompany] = refusal(409, 'company_exists', { company_id: 12 });
  const { user } = open('/ingest');
  await user.click(await screen.findByRole('button', { name: 'Remove Acme' }));
  await screen.findByText('Acme was removed.');
  await user.click(await screen.findByRole('button', { name: 'Remove Beta' }));
  await screen.findByText('Beta was removed.');
  await user.click(screen.getByRole('button', { name: 'Undo the removal of Acme' }));
  expect(await screen.findByText('Acme was removed. It is already in your list.')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Dismiss: Acme was removed' }));
  expect(screen.queryByText(/Acme was removed/)).toBeNull();
  expect(screen.getByText('Beta was removed.')).toBeVisible();
});

test('an unconfirmed removal keeps the company and is reported', async () => {
  serveList([aCompany()], { [PATHS.removeCompany]: refusal(503, 'database_unavailable') });
  const { user } = open('/ingest');
  await user.click(await screen.findByRole('button', { name: 'Remove Acme' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('We do not know whether Acme was removed.');
  expect(await row('Acme')).toBeVisible();
});

test('an empty list offers suggested companies, added in one request', async () => {
  const { answers, requests } = serveList([]);
  answers[PATHS.importCompanies] = () => {
    answers[PATHS.companies] = { companies: [aCompany()] };
    return { added: 1, changed: 0, unchanged: 0 };
  };
  const { user, container } = open('/ingest');
  expect(await screen.findByText(/^Your list is empty/)).toBeVisible();
  const none = screen.getByRole('button', { name: 'Add companies' });
  expect(none).toHaveAttribute('aria-disabled', 'true');
  await user.click(screen.getByRole('checkbox', { name: 'Acme Greenhouse' }));
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Add 1 company' }));
  expect(await screen.findByText('1 company added.')).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.importCompanies, {
    companies: [{ source: 'greenhouse', board: 'acme', name: 'Acme' }],
  });
  await waitFor(async () => expect(await row('Acme')).toBeVisible());
  expect(screen.queryByRole('checkbox', { name: 'Acme Greenhouse' })).toBeNull();
  expect(screen.getByRole('checkbox', { name: 'Birch Lever' })).toBeVisible();
});

test('companies are sorted by name, numbers by value', async () => {
  const named = (name, company_id) => aCompany({ company_id, name, board: `b${company_id}` });
  serveList([named('Co 10', 1), named('Co 2', 2), named('acme', 3)]);
  open('/ingest');
  await row('Co 2');
  const names = screen.getAllByText(/./, { selector: 'strong' }).map((each) => each.textContent);
  expect(names).toEqual(['acme', 'Co 2', 'Co 10']);
});

test('the suggested companies open again when the list becomes empty', async () => {
  const { answers } = serveList([aCompany()]);
  answers[PATHS.removeCompany] = () => {
    answers[PATHS.companies] = { companies: [] };
    return NO_CONTENT;
  };
  const { user } = open('/ingest');
  const panel = (await screen.findByText('Suggested companies')).closest('details');
  expect(panel).not.toHaveAttribute('open');
  await user.click(screen.getByRole('button', { name: 'Remove Acme' }));
  await screen.findByText(/^Your list is empty/);
  expect(panel).toHaveAttribute('open');
});

test('a company of an unknown source has no link', async () => {
  serveList([aCompany({ source: 'gone', source_name: 'gone', url: null })]);
  open('/ingest');
  expect(await row('Acme')).toHaveTextContent('gone, acme');
  expect(screen.queryByRole('link', { name: 'acme' })).toBeNull();
});

test('right-to-left overrides in names do not affect other text', async () => {
  const odd = '\u202egnirts';
  const listing = { at: '2026-01-02T10:00:00Z', outcome: 'gone', detail: odd, postings: null };
  const company = aCompany({ name: odd, board: odd, include: [odd], listing });
  const { answers } = serveList([company, aCompany({ ...company, company_id: 13, url: null })]);
  answers[PATHS.removeCompany] = NO_CONTENT;
  answers[PATHS.detect] = aDetectedBoard({ name: odd, board: odd, titles: [odd], note: odd });
  const { user, container } = open('/ingest');
  await user.type(await screen.findByLabelText('Careers page address'), 'x.example{Enter}');
  await screen.findByText(/already in your list/);
  expect(unisolatedTexts(container)).toEqual([]);
  await user.click(screen.getAllByRole('button', { name: /^Remove / })[0]);
  await screen.findByText(/was removed\.$/);
  expect(unisolatedTexts(container)).toEqual([]);
});

test('a list that cannot be loaded is reported and fetched again', async () => {
  const { answers } = serveList([], { [PATHS.companies]: new TypeError('Failed to fetch') });
  open('/ingest');
  expect(await screen.findByText('Connection lost. Trying again …')).toBeVisible();
  answers[PATHS.companies] = { companies: [aCompany()] };
  expect(await screen.findByText('Acme', { selector: 'strong' })).toBeVisible();
});
