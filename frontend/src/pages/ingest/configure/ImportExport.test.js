import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { aCompany, SOURCES } from '../../../test/companies.js';
import { objections, open } from '../../../test/open.js';
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
  const asked = serve(answers);
  const { user, container } = open('/ingest');
  await user.click(await screen.findByText('Import and export'));
  const file = new File([content], 'mine.json', { type: 'application/json' });
  await user.upload(screen.getByLabelText('Import companies from a file'), file);
  return { user, asked, container };
}

test('the list can be taken away as a file', async () => {
  await choose('', null);
  const link = screen.getByRole('link', { name: 'Export 1 company' });
  expect(link).toHaveAttribute('href', '/api/ingestion/companies/export');
  expect(link).toHaveAttribute('download', 'companies.json');
});

test('a file is looked over before anything is sent, and what was done is told', async () => {
  const { user, asked, container } = await choose(JSON.stringify({ companies: ENTRIES }), {
    added: 2,
    changed: 0,
    unchanged: 1,
  });
  expect(await screen.findByText(/^mine\.json has 3 companies: 2 new, 1 in your list/)).toBeVisible();
  expect(await objections(container)).toEqual([]);
  expect(asked).not.toHaveBeenCalledWith(PATHS.importCompanies, expect.anything());
  await user.click(screen.getByRole('button', { name: 'Import 3 companies' }));
  expect(await screen.findByText('Imported: 2 added, 0 changed, 1 as before.')).toBeVisible();
  expect(asked).toHaveBeenCalledWith(PATHS.importCompanies, { companies: ENTRIES });
  expect(screen.queryByText(/^mine\.json has/)).toBeNull();
});

test('a file that is none is refused here', async () => {
  const { asked } = await choose('{"companies": [{"source": "lever"}]}', null);
  expect(await screen.findByText('Entry 1 has no board.')).toBeVisible();
  expect(screen.queryByRole('button', { name: /^Import \d/ })).toBeNull();
  expect(asked).not.toHaveBeenCalledWith(PATHS.importCompanies, expect.anything());
});

test('what the server objects to is told by entry, and nothing was imported', async () => {
  const errors = { companies: { 1: { source: ['There is no such system.'] } } };
  const { user } = await choose(JSON.stringify({ companies: ENTRIES }), refusal(422, 'invalid', { errors }));
  await user.click(await screen.findByRole('button', { name: 'Import 3 companies' }));
  expect(await screen.findByText('Entry 2, source: There is no such system.')).toBeVisible();
  expect(screen.getByRole('alert')).toHaveTextContent('Nothing was imported.');
  await user.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(screen.queryByRole('alert')).toBeNull();
});
