import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { aCompany, SOURCES } from '../../../test/companies.js';
import { axeViolations, open } from '../../../test/open.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

const ENTRIES = [
  { source: 'greenhouse', board: 'acme', name: 'Acme' },
  { source: 'lever', board: 'birch', name: 'Birch' },
  { source: 'lever', board: 'cedar', name: 'Cedar' },
];

async function choose(content, importing) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies: [aCompany()] },
    [PATHS.importCompanies]: importing,
  };
  const requests = serve(answers);
  const { user, container } = open('/ingest');
  await user.click(await screen.findByText('Import and export'));
  const file = new File([content], 'mine.json', { type: 'application/json' });
  await user.upload(screen.getByLabelText('Import companies from a file'), file);
  return { user, requests, container };
}

test('Export downloads the list', async () => {
  await choose('', null);
  const link = screen.getByRole('link', { name: 'Export 1 company' });
  expect(link).toHaveAttribute('href', '/api/ingestion/companies/export');
  expect(link).toHaveAttribute('download', 'companies.json');
});

test('Import shows a summary first and the counts afterwards', async () => {
  const { user, requests, container } = await choose(JSON.stringify({ companies: ENTRIES }), {
    added: 2,
    changed: 0,
    unchanged: 1,
  });
  expect(await screen.findByText(/^mine\.json has 3 companies: 2 new, 1 already in your list/)).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
  expect(requests).not.toHaveBeenCalledWith(PATHS.importCompanies, expect.anything());
  await user.click(screen.getByRole('button', { name: 'Import 3 companies' }));
  expect(await screen.findByText('Imported: 2 added, 0 changed, 1 unchanged.')).toBeVisible();
  expect(requests).toHaveBeenCalledWith(PATHS.importCompanies, { companies: ENTRIES });
  expect(screen.queryByText(/^mine\.json has/)).toBeNull();
});

test('a file without companies is refused without a request', async () => {
  const { requests } = await choose('{"companies": {}}', null);
  expect(await screen.findByText(/^This file cannot be read\./)).toBeVisible();
  expect(screen.queryByRole('button', { name: /^Import \d/ })).toBeNull();
  expect(requests).not.toHaveBeenCalledWith(PATHS.importCompanies, expect.anything());
});

test('the server’s errors are shown by entry and field', async () => {
  const errors = { companies: { 1: { source: ['There is no such system.'] } } };
  const { user } = await choose(JSON.stringify({ companies: ENTRIES }), refusal(422, 'invalid', { errors }));
  await user.click(await screen.findByRole('button', { name: 'Import 3 companies' }));
  expect(await screen.findByText('Entry 2, source: There is no such system.')).toBeVisible();
  expect(screen.getByRole('alert')).toHaveTextContent('Nothing was imported.');
  await user.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(screen.queryByRole('alert')).toBeNull();
});

test.each([
  [10, undefined, null],
  [11, undefined, '… and 1 more.'],
  [100, 4900, '… and 4,990 more.'],
])('of %s errors and %s unnamed ones the first ten are shown', async (named, unnamed, rest) => {
  const errors = Object.fromEntries(
    Array.from({ length: named }, (_, entry) => [`companies.${entry}.name`, ['Too long.']]),
  );
  const { user } = await choose(
    JSON.stringify({ companies: ENTRIES }),
    refusal(422, 'invalid', { errors, more_errors: unnamed }),
  );
  await user.click(await screen.findByRole('button', { name: 'Import 3 companies' }));
  expect(await screen.findAllByText(/^Entry \d+, name: Too long\.$/)).toHaveLength(10);
  expect(screen.queryByText(/^… and/)?.textContent ?? null).toBe(rest);
});
