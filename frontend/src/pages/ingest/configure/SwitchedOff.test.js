import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { aCompany, SOURCES } from '../../../test/companies.js';
import { axeViolations, open } from '../../../test/open.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

const OFF = 'Reading Lever is switched off on this server.';
const BIRCH = { company_id: 13, source: 'lever', source_name: 'Lever', board: 'birch', name: 'Birch' };

function serveWithoutLever(companies, more = {}) {
  const sources = SOURCES.sources.map((source) => ({ ...source, is_on: source.key !== 'lever' }));
  return serve({
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: { ...SOURCES, sources },
    [PATHS.companies]: { companies },
    ...more,
  });
}

test('the companies of a source that is switched off say so', async () => {
  serveWithoutLever([aCompany(), aCompany(BIRCH)]);
  const { container } = open('/ingest');
  const row = (await screen.findByText('Birch', { selector: 'strong' })).closest('li');
  expect(await screen.findByText(OFF)).toBe(row.querySelector('.cr-off'));
  expect(await axeViolations(container)).toEqual([]);
});

test('the add form and the suggestions name a source that is switched off', async () => {
  serveWithoutLever([]);
  const { user, container } = open('/ingest');
  expect(await screen.findByText('Lever, switched off on this server')).toBeVisible();
  await user.click(screen.getByText('Choose the job board system yourself'));
  expect(screen.queryByText(OFF)).toBeNull();
  await user.selectOptions(screen.getByLabelText('Job board system'), 'Lever');
  expect(screen.getByText(OFF)).toHaveAttribute('role', 'status');
  expect(await axeViolations(container)).toEqual([]);
  await user.selectOptions(screen.getByLabelText('Job board system'), 'Greenhouse');
  expect(screen.queryByText(OFF)).toBeNull();
});

test('a refusal because of a switched-off source is shown as it is', async () => {
  const detail = 'The operator has switched off reading Lever on this server.';
  serveWithoutLever([], { [PATHS.detect]: refusal(422, 'source_off', { detail }) });
  const { user } = open('/ingest');
  await user.type(await screen.findByLabelText('Careers page address'), 'jobs.lever.co/birch{Enter}');
  expect((await screen.findByRole('alert')).textContent.trim()).toMatch(
    /^The operator has .* server\.\s*×?$/,
  );
});
