import { Link, useSearchParams } from 'react-router';
import { isMissing, useRuns } from '../api/queries.js';
import Banner from '../components/Banner.js';
import StatusBadge from '../components/StatusBadge.js';
import { formatDuration, formatMoment } from '../lib/format.js';
import { paths } from '../lib/paths.js';
import { lasted } from '../lib/run.js';
import { STATUS } from '../lib/status.js';
import { trouble } from '../lib/trouble.js';
import './RunsPage.css';

/** The history, newest first; filter and page stand in the address. */
export default function RunsPage() {
  const [search] = useSearchParams();
  const status = search.get('status');
  const before = search.get('before');
  const { page, error } = useRuns(status, before);
  return (
    <div className="rp-page">
      <title>Runs · Job Ingestion</title>
      <div className="rp-header">
        <h1 tabIndex={-1}>Runs</h1>
        <Filter status={status} />
      </div>
      <div role="status">
        {error && !isMissing(error) && <Banner tone="warning">{trouble(error).sentence}</Banner>}
        {!page && !error && <p className="quiet">Loading …</p>}
      </div>
      {isMissing(error) ? (
        <p>
          There is no such page of runs. <Link to={paths.runs}>See all runs</Link>
        </p>
      ) : (
        page && <Page page={page} status={status} before={before} />
      )}
    </div>
  );
}

/** @param {{status: string | null}} props */
function Filter({ status }) {
  const [, setSearch] = useSearchParams();
  return (
    <label className="rp-filter">
      Status
      <select
        value={status ?? ''}
        onChange={({ target }) => setSearch(target.value ? { status: target.value } : {})}
      >
        <option value="">All</option>
        {Object.entries(STATUS).map(([word, { label }]) => (
          <option key={word} value={word}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/**
 * @param {{page: {runs: import('../api/queries.js').Run[], next_before: number | null},
 *   status: string | null, before: string | null}} props
 */
function Page({ page, status, before }) {
  if (page.runs.length === 0) {
    return (
      <div className="panel">
        <p>{status || before ? 'No runs here.' : 'There are no runs yet.'}</p>
        <Link to={paths.configure}>Start a run</Link>
      </div>
    );
  }
  const filter = status ? [['status', status]] : [];
  return (
    <>
      <ul className="rp-list">
        {page.runs.map((run) => (
          <Row key={run.run_id} run={run} />
        ))}
      </ul>
      <nav aria-label="Pages" className="rp-pages">
        {before && <Link to={`?${new URLSearchParams(filter)}`}>Newest</Link>}
        {page.next_before && (
          <Link to={`?${new URLSearchParams([...filter, ['before', String(page.next_before)]])}`}>Older</Link>
        )}
      </nav>
    </>
  );
}

/** @param {{run: import('../api/queries.js').Run}} props */
function Row({ run }) {
  return (
    <li>
      <Link className="rp-row" to={paths.run(run.run_id)}>
        <span className="rp-id">Run {run.run_id}</span>
        <span>
          <StatusBadge status={run.status} />
        </span>
        {run.created_at && <time dateTime={run.created_at}>{formatMoment(run.created_at)}</time>}
        <span className="rp-duration">{run.is_active ? 'in progress' : formatDuration(lasted(run, 0))}</span>
      </Link>
    </li>
  );
}
