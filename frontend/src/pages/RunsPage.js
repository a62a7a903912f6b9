import { Link, useSearchParams } from 'react-router';
import { isMissing } from '../api/client.js';
import { useRuns } from '../api/runs.js';
import Banner from '../components/Banner.js';
import StatusBadge from '../components/StatusBadge.js';
import { formatDuration, formatMoment } from '../lib/format.js';
import { paths } from '../lib/paths.js';
import { runDuration } from '../lib/run.js';
import { STATUS } from '../lib/status.js';
import { connectionMessage } from '../messages/errors.js';
import { headline } from '../messages/progress.js';
import { runSubject } from '../messages/results.js';
import { runMessages } from '../messages/runs.js';
import './RunsPage.css';

/** The run history, newest first. Filter and page are part of the address. */
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
        <StatusFilter status={status} />
      </div>
      <div role="status">
        {error && !isMissing(error) && <Banner tone="warning">{connectionMessage(error).sentence}</Banner>}
        {!page && !error && <p className="quiet">Loading …</p>}
      </div>
      {isMissing(error) ? (
        <p>
          {runMessages.noSuchPage} <Link to={paths.runs}>See all runs</Link>
        </p>
      ) : (
        page && <RunList page={page} status={status} before={before} />
      )}
    </div>
  );
}

/** @param {{status: string | null}} props */
function StatusFilter({ status }) {
  const [, setSearch] = useSearchParams();
  return (
    <label className="rp-filter">
      Status
      <select
        value={status ?? ''}
        onChange={({ target }) => setSearch(target.value ? { status: target.value } : {})}
      >
        <option value="">All</option>
        {Object.entries(STATUS).map(([value, { label }]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/**
 * @param {{page: {runs: import('../api/runs.js').Run[], next_before: number | null},
 *   status: string | null, before: string | null}} props
 */
function RunList({ page, status, before }) {
  if (page.runs.length === 0) {
    return (
      <div className="panel">
        <p>{emptyMessage(status, before)}</p>
        <Link to={paths.configure}>Set up a new run</Link>
      </div>
    );
  }
  const filter = status ? [['status', status]] : [];
  return (
    <>
      <ul className="rp-list">
        {page.runs.map((run) => (
          <RunRow key={run.run_id} run={run} />
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

function emptyMessage(status, before) {
  if (before) {
    return runMessages.noOlderRuns;
  }
  return status ? runMessages.noRunsOfStatus : runMessages.noRuns;
}

/**
 * A run: its result, and the companies it was of. Only what is not finished has a coloured badge.
 * @param {{run: import('../api/runs.js').Run}} props
 */
function RunRow({ run }) {
  const subject = runSubject(run);
  return (
    <li>
      <Link className="rp-row" to={paths.run(run.run_id)}>
        <span className="rp-id">Run {run.run_id}</span>
        <span className="rp-what">
          <bdi>{(run.status === 'error' && run.error_message) || headline(run)}</bdi>
          {subject && <span className="quiet rp-of">{subject}</span>}
        </span>
        <span className="rp-when">
          {run.created_at && <time dateTime={run.created_at}>{formatMoment(run.created_at)}</time>}
          <span>{run.is_active ? 'in progress' : formatDuration(runDuration(run, 0))}</span>
        </span>
        <span className="rp-status">
          {run.status === 'finished' ? (
            <span className="quiet">{STATUS.finished.label}</span>
          ) : (
            <StatusBadge status={run.status} />
          )}
        </span>
      </Link>
    </li>
  );
}
