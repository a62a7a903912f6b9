/** The only place that talks to the server. */

/** How long to wait for an answer. The server gives up on its database after 7 s and says so; a page that is only
 * looking says "connection lost" sooner. */
const LOOK_SECONDS = 5;
const CHANGE_SECONDS = 15;

const NO_ANSWER = { code: 'no_answer', detail: 'The server does not answer.' };

/**
 * @typedef {{code: string, detail: string, run_id?: number, run_status?: string, company_id?: number,
 *   company?: import('./companies.js').Company, retry_at?: string | null,
 *   candidates?: import('./schema').components['schemas']['Candidate'][], errors?: Record<string, any>}} Problem
 */

/** What the server refused, or that it did not answer (`status` 0). */
export class ApiError extends Error {
  /**
   * @param {number} status the HTTP status, 0 when there was no answer
   * @param {Problem} problem
   * @param {number} [retryAfter] seconds that the server asks to be left alone
   */
  constructor(status, problem, retryAfter) {
    super(problem.detail);
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/**
 * Look something up.
 * @param {string} path
 * @param {AbortSignal} [signal] ends the request when nobody wants the answer any more
 */
export function get(path, signal) {
  return request('GET', path, LOOK_SECONDS, { signal });
}

/**
 * Change something.
 * @param {string} path
 * @param {object} [body]
 * @param {{signal?: AbortSignal, seconds?: number, headers?: Record<string, string>}} [more] a way to give up, how long
 *   to wait at most, and what else is to be said
 */
export function post(path, body, { signal, seconds = CHANGE_SECONDS, headers } = {}) {
  return request('POST', path, seconds, { signal, body, headers });
}

/**
 * Change a part of something.
 * @param {string} path
 * @param {object} body
 */
export function patch(path, body) {
  return request('PATCH', path, CHANGE_SECONDS, { body });
}

/**
 * Take something away.
 * @param {string} path
 */
export function remove(path) {
  return request('DELETE', path, CHANGE_SECONDS, {});
}

/**
 * @param {string} method
 * @param {string} path
 * @param {number} seconds
 * @param {{signal?: AbortSignal, body?: object, headers?: Record<string, string>}} more
 */
async function request(method, path, seconds, { signal, body, headers }) {
  const limit = AbortSignal.timeout(seconds * 1000);
  const end = signal ? AbortSignal.any([signal, limit]) : limit;
  const options = { method, ...carrying(body, headers), signal: end };
  let answer;
  let document;
  try {
    answer = await fetch(path, options);
    document = answer.status === 204 ? null : await answer.json();
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    const problem = NO_ANSWER;
    throw new ApiError(answer?.status ?? 0, problem, retryAfter(answer));
  }
  if (!answer.ok) {
    // What a proxy on the way says is no problem document.
    throw new ApiError(answer.status, document?.code ? document : NO_ANSWER, retryAfter(answer));
  }
  return document;
}

/** @param {Response | undefined} answer */
function retryAfter(answer) {
  return Number(answer?.headers.get('Retry-After')) || undefined;
}

function carrying(body, more) {
  const headers = { Accept: 'application/json', ...more };
  return body
    ? { headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    : { headers };
}
