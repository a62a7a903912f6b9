/** An open job, with `changes`. */
export function aJob(changes = {}) {
  return {
    job_id: 31,
    company: 'greenhouse:acme',
    company_name: 'Acme',
    external_id: 'a-1',
    title: 'Platform Engineer',
    locations: ['Hamburg'],
    workplace: 'remote',
    employment_type: 'Full-time',
    salary: null,
    posted_on: '2026-01-01',
    found_at: '2026-01-02T10:00:00Z',
    at_least_since: false,
    state: 'open',
    missing_since: null,
    gone_at: null,
    url: 'https://job-boards.greenhouse.io/acme/jobs/1',
    run_id: 7,
    ...changes,
  };
}

/** The same job with its text and its history, with `changes`. */
export function aWholeJob(changes = {}) {
  return {
    ...aJob(),
    description: 'First paragraph.\n\nSecond paragraph.',
    requirements: null,
    text: 'ready',
    rule: null,
    history: [{ event_id: 1, at: '2026-01-02T10:00:00Z', kind: 'new', fields: [], listing_id: 5 }],
    ...changes,
  };
}
