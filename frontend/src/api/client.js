/** Requests to the server. Only the files of this folder contain its addresses. */

import { UNAVAILABLE_STATUSES } from '../lib/retryPolicy.js';

/** Time limits of a request. The server gives up on its database after 7 s and answers 503; a page that only reads
 * reports "connection lost" sooner. */
const GET_TIMEOUT_SECONDS = 5;
const CHANGE_TIMEOUT_SECONDS = 15;

const NO_ANSWER = { code: 'no_answer', detail: 'The server did not answer.' };
const UNREADABLE_ANSWER = { code: 'no_answer', detail: 'The server sent an unreadable answer.' };

/**
 * @typedef {{code: string, detail: string, request_id?: string | null, run_id?: number, run_status?: string,
 *   company_id?: number, company?: import('./companies.js').Company, retry_at?: string | null,
 *   candidates?: import('./schema').components['schemas']['Candidate'][], errors?: Record<string, any>, more_errors?: number}} Problem
 */

/** A refusal by the server, or the lack of an answer (`status` 0). */
export class ApiError extends Error {
  /**
   * @param {number} status the HTTP status, 0 if there was no answer
   * @param {Problem} problem
   * @param {number} [retryAfter] seconds to wait before the next request, if the server named them
   */
  constructor(status, problem, retryAfter) {
    super(problem.detail);
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** True if the server answered that the resource does not exist, so a retry is useless. */
export function isMissing(error) {
  return error?.status === 404 || error?.status === 422;
}

/**
 * Read a resource.
 * @param {string} path
 * @param {AbortSignal} [signal] cancels the request
 */
export function get(path, signal) {
  return request('GET', path, GET_TIMEOUT_SECONDS, { signal });
}

/**
 * Send a change.
 * @param {string} path
 * @param {object} [body]
 * @param {{signal?: AbortSignal, seconds?: number, headers?: Record<string, string>}} [options] `seconds` is the time
 *   limit
 */
export function post(path, body, { signal, seconds = CHANGE_TIMEOUT_SECONDS, headers } = {}) {
  return request('POST', path, seconds, { signal, body, headers });
}

/**
 * Change some fields of a resource.
 * @param {string} path
 * @param {object} body
 */
export function patch(path, body) {
  return request('PATCH', path, CHANGE_TIMEOUT_SECONDS, { body });
}

/**
 * Delete a resource.
 * @param {string} path
 */
export function remove(path) {
  return request('DELETE', path, CHANGE_TIMEOUT_SECONDS, {});
}

/**
 * @param {string} method
 * @param {string} path
 * @param {number} seconds
 * @param {{signal?: AbortSignal, body?: object, headers?: Record<string, string>}} options
 */
async function request(method, path, seconds, { signal, body, headers }) {
  const timeout = AbortSignal.timeout(seconds * 1000);
  const init = {
    method,
    ...bodyAndHeaders(body, headers),
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  };
  let response;
  let document;
  try {
    response = await fetch(path, init);
    document = response.status === 204 ? null : await response.json();
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw withoutDocument(response);
  }
  if (!response.ok) {
    // An error page of a proxy is not a problem document.
    throw document?.code
      ? new ApiError(response.status, document, retryAfter(response))
      : withoutDocument(response);
  }
  return document;
}

/**
 * The error for an answer without a document. A proxy sends 502, 503 or 504 if the server did not answer.
 * @param {Response | undefined} response
 */
function withoutDocument(response) {
  const status = response?.status ?? 0;
  const problem = UNAVAILABLE_STATUSES.includes(status) ? NO_ANSWER : UNREADABLE_ANSWER;
  return new ApiError(status, problem, retryAfter(response));
}

/** @param {Response | undefined} response */
function retryAfter(response) {
  return Number(response?.headers.get('Retry-After')) || undefined;
}

function bodyAndHeaders(body, extraHeaders) {
  const headers = { Accept: 'application/json', ...extraHeaders };
  return body
    ? { headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    : { headers };
}
