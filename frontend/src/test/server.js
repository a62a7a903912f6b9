import { vi } from 'vitest';

/** A run as the server returns it, with `changes`. */
export function aRun(changes = {}) {
  return {
    run_id: 7,
    status: 'pending',
    is_active: true,
    can_abort: true,
    total_jobs: 0,
    jobs_ready: null,
    jobs_skipped: null,
    jobs_expired: null,
    jobs_failed: null,
    created_at: '2026-01-02T10:00:00Z',
    started_at: null,
    finished_at: null,
    dispatched_at: null,
    error_message: null,
    preview_id: null,
    revision: 0,
    retry_of: null,
    deadline_at: null,
    companies_total: 0,
    companies_waiting: 0,
    companies_reading: 0,
    companies_read: 0,
    companies_taken_in: 0,
    companies_failed: 0,
    jobs_new: 0,
    jobs_changed: 0,
    jobs_reopened: 0,
    jobs_unchanged: 0,
    jobs_done: 0,
    previewed: null,
    note: null,
    worker_seen_at: null,
    closings: null,
    server_time: '2026-01-02T10:01:05Z',
    ...changes,
  };
}

/** A run that has ended. */
export function anEndedRun(status, changes = {}) {
  return aRun({
    status,
    is_active: false,
    can_abort: false,
    finished_at: '2026-01-02T10:00:12Z',
    ...changes,
  });
}

/** An answer without content. */
export const NO_CONTENT = { nothing: true };

const LOCAL = { auth: 'local', user_id: 1, email: 'local@localhost', name: 'You' };

/** A signed-in user. */
export const ANN = { auth: 'accounts', user_id: 2, email: 'ann@example.org', name: null };

/** A refusal by the server: a problem document with its status. */
export function refusal(status, code, members = {}) {
  return { status, document: { status, code, detail: `Refused: ${code}.`, ...members } };
}

/**
 * Replace fetch() with a server of fixed answers. `answers` maps "GET /path" to a document, a refusal, a function of the
 * request's headers that returns one, or an Error for no answer. It may be changed during a test. Other paths are 404;
 * without an answer for `PATHS.me`, the user is the local one.
 * @returns a mock that records the requests
 */
export function serve(answers) {
  const requests = vi.fn();
  vi.stubGlobal('fetch', async (path, { method, body, signal, headers: requestHeaders }) => {
    const call = `${method} ${path}`;
    if (call === PATHS.me && !(call in answers)) {
      return new Response(JSON.stringify(LOCAL));
    }
    requests(...[call, body && JSON.parse(body)].filter(Boolean));
    let answer = answers[call] ?? refusal(404, 'not_found');
    answer =
      typeof answer === 'function'
        ? await Promise.race([answer(requestHeaders), cancellation(signal)])
        : answer;
    if (answer instanceof Error) {
      throw answer;
    }
    const { status, document, headers } = answer.document ? answer : { status: 200, document: answer };
    return answer === NO_CONTENT
      ? new Response(null, { status: 204 })
      : new Response(JSON.stringify(document), { status, headers });
  });
  return requests;
}

/** Fails when the request is cancelled, as in a browser. */
function cancellation(signal) {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

export const PATHS = {
  me: 'GET /api/auth/me',
  health: 'GET /readyz',
  signIn: 'POST /api/auth/login',
  credentials: 'GET /api/auth/credentials',
  createToken: 'POST /api/auth/credentials',
  password: 'POST /api/auth/password',
  current: 'GET /api/ingestion/current-run',
  start: 'POST /api/ingestion/start',
  run: 'GET /api/ingestion/runs/7',
  events: 'GET /api/ingestion/runs/7/events',
  runCompanies: 'GET /api/ingestion/runs/7/companies?limit=50',
  retry: 'POST /api/ingestion/runs/7/retry',
  closings: 'POST /api/ingestion/runs/7/closings',
  jobs: 'GET /api/ingestion/jobs?limit=50',
  job: 'GET /api/ingestion/jobs/31',
  deleteAccount: 'POST /api/auth/delete',
  abort: 'POST /api/ingestion/abort/7',
  runs: 'GET /api/ingestion/runs?limit=20',
  sources: 'GET /api/ingestion/sources',
  companies: 'GET /api/ingestion/companies',
  addCompany: 'POST /api/ingestion/companies',
  detect: 'POST /api/ingestion/companies/detect',
  importCompanies: 'POST /api/ingestion/companies/import',
  changeCompany: 'PATCH /api/ingestion/companies/12',
  removeCompany: 'DELETE /api/ingestion/companies/12',
  latestPreview: 'GET /api/ingestion/dry-run',
  createPreview: 'POST /api/ingestion/dry-run',
  preview: 'GET /api/ingestion/dry-run/5',
  postings: 'GET /api/ingestion/dry-run/5/postings',
  posting: 'GET /api/ingestion/dry-run/5/postings/100',
};
