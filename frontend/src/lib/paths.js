/** The page's own addresses. The server knows them too (app/api/page_routes.py). */
export const paths = {
  configure: '/ingest',
  preview: '/ingest/preview',
  run: (runId) => `/ingest/runs/${runId}`,
  runs: '/runs',
};
