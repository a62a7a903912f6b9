import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { aCompany, aDetectedBoard, SOURCES } from '../../../test/companies.js';
import { axeViolations, open } from '../../../test/open.js';
import { aPreview } from '../../../test/previews.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

const SEEN = '2026-01-02T10:00:00Z';
const LATER = '2026-01-02T11:00:00Z';

function serveAcme(more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies: [aCompany({ include: ['engineer'] })] },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: aPreview(),
    ...more,
  };
  return { answers, requests: serve(answers) };
}

async function edit(user) {
  await user.click(await screen.findByRole('button', { name: 'Edit filters of Acme' }));
}

function leaving() {
  const event = new Event('beforeunload', { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

test('Enter saves only the changed fields', async () => {
  const { answers, requests } = serveAcme();
  answers[PATHS.changeCompany] = aCompany({ include: ['engineer*', 'data'] });
  const { user, container } = open('/ingest');
  await edit(user);
  const form = screen.getByRole('form', { name: 'Filters of Acme' });
  expect(within(form).getByLabelText('Name')).toHaveFocus();
  const help = within(form).getByText(/^Words match whole words/);
  expect(help).toHaveTextContent('‘engineer’ also matches ‘Engineers’');
  expect(help).toHaveTextContent('Words without a comma must follow each other');
  const only = within(form).getByLabelText('Titles must contain');
  expect(only).toHaveValue('engineer');
  await user.type(only, '*, data, ');
  expect(screen.getByText('not saved')).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
  await user.type(only, '{Enter}');
  await waitFor(() => expect(screen.queryByRole('form', { name: 'Filters of Acme' })).toBeNull());
  expect(requests).toHaveBeenCalledWith(PATHS.changeCompany, {
    include: ['engineer*', 'data'],
    updated_at: SEEN,
  });
  expect(screen.getByText('Titles with engineer*, data.')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Edit filters of Acme' })).toHaveFocus();
  expect(sessionStorage).toHaveLength(0);
});

test('text typed during a save stays as a draft on the saved company', async () => {
  let answer;
  const pending = new Promise((resolve) => {
    answer = resolve;
  });
  const { answers, requests } = serveAcme({ [PATHS.changeCompany]: () => pending });
  const { user } = open('/ingest');
  await edit(user);
  await user.type(screen.getByLabelText('Titles must contain'), ', data, {Enter}');
  const never = screen.getByLabelText('Titles must not contain');
  await user.type(never, 'intern');
  answers[PATHS.companies] = { companies: [aCompany({ include: ['engineer', 'data'], updated_at: LATER })] };
  answer(aCompany({ include: ['engineer', 'data'], updated_at: LATER }));
  expect(await screen.findByText('Titles with engineer, data.')).toBeVisible();
  expect(never).toHaveValue('intern');
  expect(never).toHaveFocus();
  expect(screen.getByLabelText('Titles must contain')).toHaveValue('engineer, data');
  expect(screen.getByText('not saved')).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
  answers[PATHS.changeCompany] = aCompany({ include: ['engineer', 'data'], exclude: ['intern'] });
  await user.type(never, '{Enter}');
  await waitFor(() => expect(screen.queryByLabelText('Titles must not contain')).toBeNull());
  expect(requests).toHaveBeenLastCalledWith(PATHS.changeCompany, { exclude: ['intern'], updated_at: LATER });
});

test('a save does not move the focus if it is outside the editor', async () => {
  let answer;
  const pending = new Promise((resolve) => {
    answer = resolve;
  });
  serveAcme({ [PATHS.changeCompany]: () => pending });
  const { user } = open('/ingest');
  await edit(user);
  await user.type(screen.getByLabelText('Titles must not contain'), 'intern{Enter}');
  await user.type(screen.getByRole('searchbox'), 'ac');
  answer(aCompany({ include: ['engineer'], exclude: ['intern'] }));
  await waitFor(() => expect(screen.queryByLabelText('Titles must not contain')).toBeNull());
  expect(screen.getByRole('searchbox')).toHaveFocus();
});

/** Simulate a save in another tab. */
function changeElsewhere(answers, changes) {
  const company = aCompany({ include: ['data'], updated_at: LATER, ...changes });
  answers[PATHS.companies] = { companies: [company] };
  answers[PATHS.changeCompany] = refusal(409, 'company_changed', { company });
  return company;
}

test('a change from another tab is overwritten only on request', async () => {
  const { answers, requests } = serveAcme();
  const { user, container } = open('/ingest');
  await edit(user);
  const theirs = changeElsewhere(answers, {});
  await user.type(screen.getByLabelText('Titles must not contain'), 'intern{Enter}');
  expect(await screen.findByRole('alert')).toHaveTextContent(
    'Acme was changed in another tab or on another device. Its filters are now: titles with data.',
  );
  expect(requests).toHaveBeenCalledWith(PATHS.changeCompany, { exclude: ['intern'], updated_at: SEEN });
  expect(screen.getByLabelText('Titles must not contain')).toHaveValue('intern');
  expect(screen.getByLabelText('Titles must contain')).toHaveValue('data');
  expect(await axeViolations(container)).toEqual([]);
  const times = requests.mock.calls.filter(([call]) => call === PATHS.changeCompany).length;
  await user.type(screen.getByLabelText('Titles must not contain'), '{Enter}');
  expect(requests.mock.calls.filter(([call]) => call === PATHS.changeCompany)).toHaveLength(times);
  answers[PATHS.changeCompany] = () => {
    const both = { ...theirs, exclude: ['intern'] };
    answers[PATHS.companies] = { companies: [both] };
    return both;
  };
  await user.click(screen.getByRole('button', { name: 'Overwrite' }));
  await waitFor(() => expect(screen.queryByLabelText('Titles must not contain')).toBeNull());
  expect(requests).toHaveBeenCalledWith(PATHS.changeCompany, { exclude: ['intern'], updated_at: LATER });
  expect(screen.getByText('Titles with data; not with intern.')).toBeVisible();
});

test('Discard mine keeps the change from the other tab', async () => {
  const { answers, requests } = serveAcme();
  const { user } = open('/ingest');
  await edit(user);
  changeElsewhere(answers, {});
  await user.type(screen.getByLabelText('Titles must contain'), ' lead');
  await user.click(screen.getByRole('button', { name: 'Save' }));
  const take = await screen.findByRole('button', { name: 'Discard mine' });
  expect(screen.getByRole('button', { name: 'Overwrite' })).toHaveFocus();
  await user.click(take);
  expect(screen.queryByLabelText('Titles must contain')).toBeNull();
  expect(screen.getByText('Titles with data.')).toBeVisible();
  expect(requests.mock.calls.filter(([call]) => call === PATHS.changeCompany)).toHaveLength(1);
  expect(leaving()).toBe(false);
});

test('a change of another field in another tab is no conflict', async () => {
  const { answers, requests } = serveAcme();
  const { user } = open('/ingest');
  await edit(user);
  const company = aCompany({ include: ['engineer'], enabled: false, updated_at: LATER });
  answers[PATHS.changeCompany] = () => {
    answers[PATHS.changeCompany] = { ...company, exclude: ['intern'] };
    return refusal(409, 'company_changed', { company });
  };
  answers[PATHS.companies] = { companies: [company] };
  await user.type(screen.getByLabelText('Titles must not contain'), 'intern{Enter}');
  await waitFor(() => expect(screen.queryByLabelText('Titles must not contain')).toBeNull());
  expect(requests).toHaveBeenCalledWith(PATHS.changeCompany, { exclude: ['intern'], updated_at: LATER });
});

test('a new version updates untouched fields and conflicts with typed ones', async () => {
  const { answers } = serveAcme();
  const { user } = open('/ingest');
  await edit(user);
  changeElsewhere(answers, {});
  fireEvent.focus(window);
  await waitFor(() => expect(screen.getByLabelText('Titles must contain')).toHaveValue('data'));
  expect(screen.queryByText('not saved')).toBeNull();
  await user.type(screen.getByLabelText('Titles must contain'), ', x');
  changeElsewhere(answers, { include: ['cook'] });
  fireEvent.focus(window);
  expect(await screen.findByRole('alert')).toHaveTextContent('Its filters are now: titles with cook.');
  expect(screen.getByLabelText('Titles must contain')).toHaveValue('data, x');
});

test('the server’s errors are shown at their field, and the text is kept', async () => {
  const errors = { exclude: { 0: ['A term needs a letter.'] } };
  serveAcme({ [PATHS.changeCompany]: refusal(422, 'invalid', { errors }) });
  const { user } = open('/ingest');
  await edit(user);
  const never = screen.getByLabelText('Titles must not contain');
  await user.type(never, '*{Enter}');
  await waitFor(() => expect(never).toHaveAccessibleDescription(/Word 1: A term needs a letter\./));
  expect(never).toHaveValue('*');
});

test('Discard closes the editor without a request', async () => {
  const { requests } = serveAcme();
  const { user } = open('/ingest');
  await edit(user);
  await user.type(screen.getByLabelText('Titles must not contain'), 'intern');
  await user.click(screen.getByRole('button', { name: 'Discard' }));
  expect(screen.queryByLabelText('Titles must not contain')).toBeNull();
  expect(requests).not.toHaveBeenCalledWith(PATHS.changeCompany, expect.anything());
  expect(leaving()).toBe(false);
});

test('unsaved text survives other pages and a refresh, and warns', async () => {
  serveAcme();
  const { user, unmount } = open('/ingest');
  await edit(user);
  expect(leaving()).toBe(false);
  await user.type(screen.getByLabelText('Titles must not contain'), 'intern');
  await waitFor(() => expect(leaving()).toBe(true));
  await user.click(screen.getByRole('link', { name: 'Runs' }));
  expect(leaving()).toBe(true);
  await user.click(screen.getByRole('link', { name: 'Ingest' }));
  expect(await screen.findByLabelText('Titles must not contain')).toHaveValue('intern');
  unmount();
  expect(leaving()).toBe(false);
  open('/ingest');
  expect(await screen.findByLabelText('Titles must not contain')).toHaveValue('intern');
  expect(screen.getByText('not saved')).toBeVisible();
});

test('Next asks about unsaved changes, and the preview mentions them', async () => {
  serveAcme();
  const { user, container } = open('/ingest');
  await edit(user);
  await user.type(screen.getByLabelText('Titles must not contain'), 'intern');
  await user.click(screen.getByRole('link', { name: 'Preview postings' }));
  expect(screen.getByRole('dialog')).toHaveTextContent('Not saved: changes to Acme.');
  expect(screen.getByRole('button', { name: 'Keep editing' })).toHaveFocus();
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Keep editing' }));
  expect(screen.getByRole('heading', { name: 'Configure' })).toBeVisible();
  await user.click(screen.getByRole('link', { name: 'Preview postings' }));
  await user.click(screen.getByRole('button', { name: 'Continue without saving' }));
  expect(screen.getByRole('heading', { name: 'Preview' })).toHaveFocus();
  expect(await screen.findByText(/You have unsaved changes/)).toBeVisible();
  await user.click(screen.getByRole('link', { name: 'Back to your changes' }));
  expect(await screen.findByLabelText('Titles must not contain')).toHaveValue('intern');
});

test('a found company that is not saved survives a refresh', async () => {
  serveAcme({ [PATHS.detect]: aDetectedBoard({ board: 'birch', name: 'Birch' }) });
  const { user, unmount } = open('/ingest');
  await user.type(await screen.findByLabelText('Careers page address'), 'birch.example{Enter}');
  await screen.findByRole('heading', { name: 'Birch' });
  unmount();
  open('/ingest');
  expect(await screen.findByRole('heading', { name: 'Birch' })).not.toHaveFocus();
  expect(leaving()).toBe(true);
});
