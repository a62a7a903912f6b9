/** The page's own addresses. The server lists them too. */
export const paths = {
  configure: '/ingest',
  preview: '/ingest/preview',
  run: (runId) => `/ingest/runs/${runId}`,
  runs: '/runs',
  jobs: '/jobs',
  /** @param {number} runId */
  jobsOfRun: (runId) => `/jobs?run=${runId}`,
  account: '/account',
};
