/** A company of a run that is done, with `changes`. */
export function aRunCompany(changes = {}) {
  return {
    position: 1,
    company_id: 12,
    source: 'greenhouse',
    source_name: 'Greenhouse',
    board: 'acme',
    name: 'Acme',
    url: 'https://job-boards.greenhouse.io/acme',
    state: 'taken_in',
    outcome: 'ok',
    detail: null,
    retry_at: null,
    listing: 'complete',
    read_at: '2026-01-02T10:00:05Z',
    found: 161,
    unparsed: 0,
    matched: 42,
    new: 4,
    changed: 1,
    reopened: 0,
    unchanged: 37,
    expired: 0,
    failed: 0,
    held: 0,
    previewed: null,
    ...changes,
  };
}

/** A company of a run whose board could not be read, with `changes`. */
export function aFailedCompany(changes = {}) {
  return aRunCompany({
    position: 2,
    company_id: 13,
    name: 'Beta',
    board: 'beta',
    state: 'failed',
    outcome: 'not_found',
    listing: 'failed',
    found: null,
    matched: null,
    new: null,
    changed: null,
    reopened: null,
    unchanged: null,
    expired: 0,
    ...changes,
  });
}

/** A question about closings, with `changes`. */
export function someClosings(changes = {}) {
  return { state: 'asked', count: 60, open: 120, expire: null, expired: null, answered_at: null, ...changes };
}
