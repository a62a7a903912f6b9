/** A company as the server returns it, with `changes`. */
export function aCompany(changes = {}) {
  return {
    company_id: 12,
    source: 'greenhouse',
    source_name: 'Greenhouse',
    board: 'acme',
    name: 'Acme',
    url: 'https://job-boards.greenhouse.io/acme',
    enabled: true,
    include: [],
    exclude: [],
    created_at: '2026-01-02T10:00:00Z',
    updated_at: '2026-01-02T10:00:00Z',
    listing: null,
    ...changes,
  };
}

/** A detected board, with `changes`. */
export function aDetectedBoard(changes = {}) {
  return {
    source: 'greenhouse',
    source_name: 'Greenhouse',
    board: 'acme',
    name: 'Acme',
    url: 'https://job-boards.greenhouse.io/acme',
    postings: 37,
    is_complete: true,
    titles: ['Engineer', 'Designer'],
    company_id: null,
    note: null,
    same_as: null,
    ...changes,
  };
}

/** Two sources and two suggested companies. */
export const SOURCES = {
  sources: [
    {
      key: 'greenhouse',
      name: 'Greenhouse',
      documentation: 'https://docs.example/greenhouse',
      policy: 'Anybody may read it.',
      example: 'https://job-boards.greenhouse.io/acme',
      board_hint: 'The last part of the address.',
      is_on: true,
    },
    {
      key: 'lever',
      name: 'Lever',
      documentation: 'https://docs.example/lever',
      policy: 'Anybody may read it.',
      example: 'https://jobs.lever.co/acme',
      board_hint: 'What follows jobs.lever.co.',
      is_on: true,
    },
  ],
  starters: [
    { source: 'greenhouse', board: 'acme', name: 'Acme' },
    { source: 'lever', board: 'birch', name: 'Birch' },
  ],
};
