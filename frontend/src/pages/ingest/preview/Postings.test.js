import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { axeViolations, open, unisolatedTexts } from '../../../test/open.js';
import { aPosting, aPreview, aPreviewCompany } from '../../../test/previews.js';
import { PATHS, refusal, serve } from '../../../test/server.js';

const MATCHED = `${PATHS.postings}?company=1&matched=true&limit=100`;
const LEFT = `${PATHS.postings}?company=1&matched=false&limit=100`;
const page = (postings, next = null) => ({ postings, next_after: next });

function servePostings(more = {}) {
  const answers = {
    [PATHS.current]: { run_id: null },
    [PATHS.latestPreview]: { preview_id: 5 },
    [PATHS.preview]: aPreview({ companies: [aPreviewCompany({ found: 5, matched: 3 })] }),
    [MATCHED]: page([aPosting()]),
    ...more,
  };
  return { answers, requests: serve(answers) };
}

async function openCard(user) {
  await user.click(await screen.findByRole('button', { name: /^Acme/ }));
}

test('an opened card loads its postings page by page', async () => {
  const facts = {
    location: 'Berlin',
    department: 'R&D',
    workplace: 'remote',
    rule: { kind: 'include', term: 'eng*' },
  };
  const { requests } = servePostings({
    [MATCHED]: page([aPosting(facts)], 100),
    [`${PATHS.postings}?company=1&matched=true&after=100&limit=100`]: page([
      aPosting({ posting_id: 101, title: 'Designer' }),
    ]),
  });
  const { user, container } = open('/ingest/preview');
  const card = await screen.findByRole('button', { name: /^Acme/ });
  expect(card).toHaveAttribute('aria-expanded', 'false');
  expect(requests).not.toHaveBeenCalledWith(MATCHED);
  await user.click(card);
  expect(card).toHaveAttribute('aria-expanded', 'true');
  const link = await screen.findByRole('link', { name: 'Engineer' });
  expect(link).toHaveAttribute('rel', 'noreferrer noopener');
  expect(link).toHaveAttribute('target', '_blank');
  expect(link.closest('li')).toHaveTextContent(/Berlin · Remote · R&D · posted .*matches ‘eng\*’/);
  await user.click(screen.getByRole('button', { name: 'Show more' }));
  expect(await screen.findByText('Designer')).toBeVisible();
  expect(screen.getByText('Engineer')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
  expect(await axeViolations(container)).toEqual([]);
  await user.click(card);
  expect(screen.queryByText('Engineer')).toBeNull();
});

test('an address that is not http is not a link', async () => {
  servePostings({ [MATCHED]: page([aPosting({ url: 'javascript://acme.example/%0aalert(1)' })]) });
  const { user } = open('/ingest/preview');
  await openCard(user);
  expect(await screen.findByText('Engineer')).toBeVisible();
  expect(screen.queryByRole('link', { name: 'Engineer' })).toBeNull();
});

test('postings left out are shown on demand with their rule', async () => {
  const left = (posting_id, title, kind, term) =>
    aPosting({ posting_id, title, matched: false, rule: { kind, term } });
  const { requests } = servePostings({
    [LEFT]: page([left(7, 'Intern', 'exclude', 'intern'), left(8, 'Cook', 'not_included', null)]),
  });
  const { user } = open('/ingest/preview');
  await openCard(user);
  await screen.findByText('Engineer');
  expect(requests).not.toHaveBeenCalledWith(LEFT);
  await user.click(screen.getByRole('button', { name: 'Show 2 postings left out' }));
  expect((await screen.findByText('Intern')).closest('li')).toHaveTextContent('left out by ‘intern’');
  expect(screen.getByText('Cook').closest('li')).toHaveTextContent(
    'has none of the words in ‘Titles must contain’',
  );
});

test('a description is shown on demand as plain text', async () => {
  const { requests } = servePostings({
    [PATHS.posting]: { ...aPosting(), description: 'Build <b>things</b>.', requirements: 'Curiosity.' },
  });
  const { user, container } = open('/ingest/preview');
  await openCard(user);
  const button = await screen.findByRole('button', { name: 'Description of Engineer' });
  expect(requests).not.toHaveBeenCalledWith(PATHS.posting);
  await user.click(button);
  expect(await screen.findByText('Build <b>things</b>.')).toBeVisible();
  expect(screen.getByText('Curiosity.')).toBeVisible();
  expect(await axeViolations(container)).toEqual([]);
});

test('right-to-left overrides in postings do not affect other text', async () => {
  const odd = '\u202egnirts';
  const posting = aPosting({ title: odd, location: odd, department: odd, company: odd });
  const companies = [
    aPreviewCompany({ name: odd, board: odd }),
    aPreviewCompany({ position: 2, name: odd, board: odd, state: 'failed', detail: odd, url: null }),
  ];
  servePostings({
    [PATHS.preview]: aPreview({ companies }),
    [MATCHED]: page([posting, { ...posting, posting_id: 101, url: 'odd:' }]),
    [`${PATHS.postings}?search=x&limit=100`]: page([posting]),
    [PATHS.posting]: { ...posting, description: odd, requirements: odd },
  });
  const { user, container } = open('/ingest/preview');
  await user.click(await screen.findByRole('button', { name: /gnirts/ }));
  await user.click((await screen.findAllByRole('button', { name: /^Description of/ }))[0]);
  await screen.findByText('Requirements');
  expect(unisolatedTexts(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Start ingestion' }));
  expect(screen.getByRole('dialog')).toHaveTextContent(/gnirts/);
  expect(unisolatedTexts(container)).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Not yet' }));
  await user.type(screen.getByRole('searchbox'), 'x');
  await screen.findByText('1 posting');
  expect(unisolatedTexts(container)).toEqual([]);
});

test('postings that cannot be loaded are reported with a retry', async () => {
  const { answers } = servePostings({ [MATCHED]: refusal(503, 'database_unavailable') });
  const { user } = open('/ingest/preview');
  await openCard(user);
  expect(await screen.findByText(/^The postings could not be loaded/)).toBeVisible();
  answers[MATCHED] = page([aPosting()]);
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('Engineer')).toBeVisible();
});

test('a search covers all companies, and clearing it shows the cards again', async () => {
  const { requests } = servePostings({
    [`${PATHS.postings}?search=cook&limit=100`]: page([
      aPosting({ title: 'Cook', company: 'Beta' }),
      aPosting({
        posting_id: 101,
        title: 'Cook, intern',
        matched: false,
        rule: { kind: 'exclude', term: 'intern' },
      }),
    ]),
    [`${PATHS.postings}?search=cooks&limit=100`]: page([]),
  });
  const { user, container } = open('/ingest/preview');
  const field = await screen.findByRole('searchbox', { name: 'Search all postings' });
  // Without delay, so that the debounce sees one search on a slow machine too.
  await userEvent.setup({ delay: null }).type(field, 'cook');
  const list = await screen.findByRole('region', { name: 'Search results' });
  const items = await within(list).findAllByRole('listitem');
  expect(items[0]).toHaveTextContent(/Cook · Beta.*Match/);
  expect(items[1]).toHaveTextContent(/Cook, intern · Acme.*Left out.*left out by ‘intern’/);
  expect(screen.queryByRole('button', { name: /^Acme/ })).toBeNull();
  // One request for the word, not one for each letter.
  expect(requests.mock.calls.filter(([call]) => call.includes('search='))).toHaveLength(1);
  expect(await axeViolations(container)).toEqual([]);
  await user.type(field, 's');
  expect(await screen.findByText('No postings match your search.')).toBeVisible();
  await user.clear(field);
  await waitFor(() => expect(screen.getByRole('button', { name: /^Acme/ })).toBeVisible());
});

test('a search in an unfinished preview says so and is repeated at its end', async () => {
  const path = `${PATHS.postings}?search=cook&limit=100`;
  const { answers } = servePostings({
    [PATHS.preview]: aPreview({ is_finished: false, totals: { companies: 3, listed: 1 } }),
    [path]: page([]),
  });
  const { user } = open('/ingest/preview');
  await user.type(await screen.findByRole('searchbox'), 'cook');
  expect(await screen.findByText('2 boards are not read yet, so there may be more results.')).toBeVisible();
  answers[path] = page([aPosting({ title: 'Cook' })]);
  answers[PATHS.preview] = aPreview();
  expect(await screen.findByText('Cook')).toBeVisible();
});
