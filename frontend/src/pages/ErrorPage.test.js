import { screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { aCompany, SOURCES } from '../test/companies.js';
import { axeViolations, open } from '../test/open.js';
import { aRun, PATHS, serve } from '../test/server.js';

test('a render error outside the pages shows an alert too', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  sessionStorage.setItem('drafts-1', '{"rows": null, "added": null, "editors": null}');
  serve({
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies: [] },
  });
  open('/ingest');
  expect(await screen.findByRole('alert')).toHaveTextContent('Reload the page');
});

test('a render error shows an alert, and another address works again', async () => {
  // React reports the error to the console too.
  vi.spyOn(console, 'error').mockImplementation(() => {});
  serve({
    [PATHS.runs]: { runs: [aRun({ created_at: 'not a date' })], next_before: null },
    [PATHS.current]: { run_id: null },
    [PATHS.sources]: SOURCES,
    [PATHS.companies]: { companies: [aCompany()] },
  });
  const { user, container } = open('/runs');
  const alert = await screen.findByRole('alert');
  expect(alert).toHaveTextContent('A run in progress continues on the server');
  expect(screen.getByRole('button', { name: 'Reload the page' })).toBeVisible();
  expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('This page could not be shown');
  expect(document.title).toBe('Error · Job Ingestion');
  expect(await axeViolations(container)).toEqual([]);
  await user.click(screen.getByRole('link', { name: 'Ingest' }));
  expect(await screen.findByText('Acme', { selector: 'strong' })).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
});
