/** The only place that talks to the server. */

/** How long to wait for an answer. The server gives up on its database after 7 s and says so; a page that is only
 * looking says "connection lost" sooner. */
const LOOK_SECONDS = 5;
const CHANGE_SECONDS = 15;

/** What the server refused, or that it did not answer (`status` 0). */
export class ApiError extends Error {
  /**
   * @param {number} status the HTTP status, 0 when there was no answer
   * @param {{code: string, detail: string, run_id?: number, run_status?: string}} problem
   */
  constructor(status, problem) {
    super(problem.detail);
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
  }
}

/**
 * Look something up.
 * @param {string} path
 * @param {AbortSignal} [signal] ends the request when nobody wants the answer any more
 */
export function get(path, signal) {
  return request('GET', path, LOOK_SECONDS, signal);
}

/**
 * Change something.
 * @param {string} path
 */
export function post(path) {
  return request('POST', path, CHANGE_SECONDS);
}

async function request(method, path, seconds, signal) {
  const limit = AbortSignal.timeout(seconds * 1000);
  const options = { method, headers: { Accept: 'application/json' } };
  let answer;
  let document;
  try {
    answer = await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    document = await answer.json();
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new ApiError(answer?.status ?? 0, { code: 'no_answer', detail: 'The server does not answer.' });
  }
  if (!answer.ok) {
    throw new ApiError(answer.status, document);
  }
  return document;
}
