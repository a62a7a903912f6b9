/** A listed company of a preview, with `changes`. */
export function aPreviewCompany(changes = {}) {
  return {
    position: 1,
    company_id: 12,
    source: 'greenhouse',
    source_name: 'Greenhouse',
    board: 'acme',
    name: 'Acme',
    url: 'https://job-boards.greenhouse.io/acme',
    include: [],
    exclude: [],
    state: 'listed',
    outcome: 'ok',
    detail: null,
    retry_at: null,
    is_complete: true,
    found: 3,
    matched: 2,
    unparsed: 0,
    listed_at: '2026-01-02T10:00:00Z',
    ...changes,
  };
}

/** A finished, current preview of one company, with `changes`. */
export function aPreview({ totals = {}, ...changes } = {}) {
  return {
    preview_id: 5,
    is_finished: true,
    is_current: true,
    settings_hash: '0'.repeat(64),
    created_at: '2026-01-02T10:00:00Z',
    finished_at: '2026-01-02T10:00:09Z',
    server_time: '2026-01-02T10:01:00Z',
    totals: { companies: 1, listed: 1, failed: 0, waiting: 0, found: 3, matched: 2, ...totals },
    companies: [aPreviewCompany()],
    ...changes,
  };
}

/** A matching posting, with `changes`. */
export function aPosting(changes = {}) {
  return {
    posting_id: 100,
    position: 1,
    company: 'Acme',
    external_id: 'a-1',
    title: 'Engineer',
    location: null,
    department: null,
    workplace: null,
    employment_type: null,
    posted_at: '2026-01-01T12:00:00Z',
    updated_at: null,
    url: 'https://job-boards.greenhouse.io/acme/jobs/1',
    matched: true,
    rule: { kind: 'no_filter', term: null },
    ...changes,
  };
}
