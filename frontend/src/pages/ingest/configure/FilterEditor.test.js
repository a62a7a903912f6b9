import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { aCompany, aDetected, SOURCES } from '../../../test/companies.js';
import { objections, open } from '../../../test/open.js';
import { aPreview } from '../../../test/previews.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

function serveAcme(more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies: [aCompany({ include: ['engineer'] })] },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: aPreview(),
    ...more,
  };
  return { answers, asked: serve(answers) };
}

async function edit(user) {
  await user.click(await screen.findByRole('button', { name: 'Edit filters of Acme' }));
}

function leaving() {
  const event = new Event('beforeunload', { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

test('Enter saves what was changed, and that alone', async () => {
  const { answers, asked } = serveAcme();
  answers[PATHS.changeCompany] = aCompany({ include: ['engineer*', 'data'] });
  const { user, container } = open('/ingest');
  await edit(user);
  const form = screen.getByRole('form', { name: 'Filters of Acme' });
  expect(within(form).getByLabelText('Name')).toHaveFocus();
  const help = within(form).getByText(/^Whole words of the title/);
  expect(help).toHaveTextContent('engineer also finds Engineers');
  expect(help).toHaveTextContent('a comma ends one and begins the next');
  const only = within(form).getByLabelText('Only titles with');
  expect(only).toHaveValue('engineer');
  await user.type(only, '*, data, ');
  expect(screen.getByText('not saved')).toBeVisible();
  expect(await objections(container)).toEqual([]);
  await user.type(only, '{Enter}');
  await waitFor(() => expect(screen.queryByRole('form', { name: 'Filters of Acme' })).toBeNull());
  expect(asked).toHaveBeenCalledWith(PATHS.changeCompany, { include: ['engineer*', 'data'] });
  expect(screen.getByText('Only titles with: engineer*, data.')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Edit filters of Acme' })).toHaveFocus();
  expect(sessionStorage).toHaveLength(0);
});

test('what the server objects to is told at its field, and nothing typed is lost', async () => {
  const errors = { exclude: { 0: ['A term needs a letter.'] } };
  serveAcme({ [PATHS.changeCompany]: refusal(422, 'invalid', { errors }) });
  const { user } = open('/ingest');
  await edit(user);
  const never = screen.getByLabelText('Never titles with');
  await user.type(never, '*{Enter}');
  await waitFor(() => expect(never).toHaveAccessibleDescription(/Word 1: A term needs a letter\./));
  expect(never).toHaveValue('*');
});

test('discarding leaves everything as it was, without a request', async () => {
  const { asked } = serveAcme();
  const { user } = open('/ingest');
  await edit(user);
  await user.type(screen.getByLabelText('Never titles with'), 'intern');
  await user.click(screen.getByRole('button', { name: 'Discard' }));
  expect(screen.queryByLabelText('Never titles with')).toBeNull();
  expect(asked).not.toHaveBeenCalledWith(PATHS.changeCompany, expect.anything());
  expect(leaving()).toBe(false);
});

test('what is not saved outlives the preview, another page and a refresh, and is warned of', async () => {
  serveAcme();
  const { user, unmount } = open('/ingest');
  await edit(user);
  expect(leaving()).toBe(false);
  await user.type(screen.getByLabelText('Never titles with'), 'intern');
  await waitFor(() => expect(leaving()).toBe(true));
  await user.click(screen.getByRole('link', { name: 'Runs' }));
  expect(leaving()).toBe(true);
  await user.click(screen.getByRole('link', { name: 'Ingest' }));
  expect(await screen.findByLabelText('Never titles with')).toHaveValue('intern');
  unmount();
  expect(leaving()).toBe(false);
  open('/ingest');
  expect(await screen.findByLabelText('Never titles with')).toHaveValue('intern');
  expect(screen.getByText('not saved')).toBeVisible();
});

test('Next asks while something is not saved, and the preview says that it is not part of it', async () => {
  serveAcme();
  const { user, container } = open('/ingest');
  await edit(user);
  await user.type(screen.getByLabelText('Never titles with'), 'intern');
  await user.click(screen.getByRole('link', { name: 'Next' }));
  expect(screen.getByRole('dialog')).toHaveTextContent('Not saved: changes to Acme.');
  expect(screen.getByRole('button', { name: 'Keep editing' })).toHaveFocus();
  expect(await objections(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Keep editing' }));
  expect(screen.getByRole('heading', { name: 'Configure' })).toBeVisible();
  await user.click(screen.getByRole('link', { name: 'Next' }));
  await user.click(screen.getByRole('button', { name: 'Go on without them' }));
  expect(screen.getByRole('heading', { name: 'Preview' })).toHaveFocus();
  expect(await screen.findByText(/changes that you did not save/)).toBeVisible();
  await user.click(screen.getByRole('link', { name: 'Back to them' }));
  expect(await screen.findByLabelText('Never titles with')).toHaveValue('intern');
});

test('a company that was found and not saved is kept too', async () => {
  serveAcme({ [PATHS.detect]: aDetected({ board: 'birch', name: 'Birch' }) });
  const { user, unmount } = open('/ingest');
  await user.type(await screen.findByLabelText('Address of its careers page'), 'birch.example{Enter}');
  await screen.findByRole('heading', { name: 'Birch' });
  unmount();
  open('/ingest');
  expect(await screen.findByRole('heading', { name: 'Birch' })).not.toHaveFocus();
  expect(leaving()).toBe(true);
});
