import { useState } from 'react';
import { Link, useLocation } from 'react-router';
import { isMissing, useAbortRun, useRun } from '../../api/queries.js';
import Banner from '../../components/Banner.js';
import CopyButton from '../../components/CopyButton.js';
import StatusBadge from '../../components/StatusBadge.js';
import { formatDuration, formatMoment, formatTime } from '../../lib/format.js';
import { paths } from '../../lib/paths.js';
import { lasted } from '../../lib/run.js';
import { statusLook } from '../../lib/status.js';
import { useFavicon } from '../../lib/useFavicon.js';
import { useNow } from '../../lib/useNow.js';
import AbortButton from './AbortButton.js';
import RunDetails from './RunDetails.js';
import './Stage3Progress.css';

/**
 * Stage 3: one run, as the server knows it.
 * @param {{runId: string}} props
 */
export default function Stage3Progress({ runId }) {
  const query = useRun(runId);
  const run = query.data;
  useFavicon(run ? statusLook(run.status).favicon : 'idle');
  if (isMissing(query.error)) {
    return <NoSuchRun runId={runId} />;
  }
  return run ? (
    <Run run={run} asOf={query.dataUpdatedAt} lost={query.isError} />
  ) : (
    <NotYet runId={runId} lost={query.isError} />
  );
}

/** @param {{run: import('../../api/queries.js').Run, asOf: number, lost: boolean}} props */
function Run({ run, asOf, lost }) {
  const abort = useAbortRun(run.run_id);
  const arrival = useLocation();
  const [toldActive, setToldActive] = useState(false);
  const label = lost ? 'Connection lost' : statusLook(run.status).label;
  const tooLate = abort.error?.code === 'run_moved';
  return (
    <div className="s3-run">
      <title>{`Run ${run.run_id} · ${label} · Job Ingestion`}</title>
      <Header runId={run.run_id}>{run.can_abort && <AbortButton runId={run.run_id} abort={abort} />}</Header>
      <div role="status" className="s3-news">
        {lost && (
          <Banner tone="warning">
            Connection lost, retrying. This is how it stood at {formatTime(asOf)}.
          </Banner>
        )}
        {arrival.state?.alreadyActive && !toldActive && (
          <Banner tone="info" onDismiss={() => setToldActive(true)}>
            This run was in progress already, so no second one was started.
          </Banner>
        )}
        {tooLate && (
          <Banner tone="info" onDismiss={abort.reset}>
            The run had ended before the abort reached it.
          </Banner>
        )}
      </div>
      {abort.error && !tooLate && run.can_abort && (
        <Banner tone="danger" role="alert" onDismiss={abort.reset}>
          The abort was not confirmed. {abort.error.message} You can try again.
        </Banner>
      )}
      <StatusRow run={run} asOf={asOf} lost={lost} />
      <RunDetails run={run} />
      {!run.is_active && (
        <p>
          <Link className="button button--primary" to={paths.configure}>
            Start a new run
          </Link>
        </p>
      )}
    </div>
  );
}

/** @param {{runId: string | number, children?: import('react').ReactNode}} props */
function Header({ runId, children }) {
  return (
    <div className="s3-header">
      <div className="s3-name">
        <h1 tabIndex={-1}>
          Run <span className="s3-id">{runId}</span>
        </h1>
        <CopyButton text={String(runId)} label="Copy the run's ID" />
      </div>
      {children}
    </div>
  );
}

/**
 * While the connection is lost the clock stands: nobody knows whether the run still goes on.
 * @param {{run: import('../../api/queries.js').Run, asOf: number, lost: boolean}} props
 */
function StatusRow({ run, asOf, lost }) {
  const ticking = run.is_active && !lost;
  const now = useNow(ticking);
  return (
    <div className="panel s3-status">
      <div role="status">
        <StatusBadge status={run.status} />
      </div>
      <dl className="s3-times">
        <div>
          <dt>{run.is_active ? 'Elapsed' : 'Took'}</dt>
          <dd>
            <span role="timer">{formatDuration(lasted(run, ticking ? now - asOf : 0))}</span>
          </dd>
        </div>
        <Moment name="Created" at={run.created_at} />
        {run.finished_at && <Moment name="Ended" at={run.finished_at} />}
      </dl>
    </div>
  );
}

/** @param {{name: string, at: string | null}} props */
function Moment({ name, at }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{at ? <time dateTime={at}>{formatMoment(at)}</time> : 'unknown'}</dd>
    </div>
  );
}

/** @param {{runId: string}} props */
function NoSuchRun({ runId }) {
  return (
    <div className="s3-run">
      <title>No such run · Job Ingestion</title>
      <h1 tabIndex={-1}>There is no run {runId}</h1>
      <p>No run of yours has this ID. The address may be mistyped.</p>
      <p className="s3-ways">
        <Link to={paths.runs}>See your runs</Link>
        <Link to={paths.configure}>Start a new run</Link>
      </p>
    </div>
  );
}

/** @param {{runId: string, lost: boolean}} props */
function NotYet({ runId, lost }) {
  return (
    <div className="s3-run">
      <title>{`Run ${runId} · Job Ingestion`}</title>
      <Header runId={runId} />
      <div role="status">
        {lost ? (
          <Banner tone="warning">Connection lost, retrying.</Banner>
        ) : (
          <p className="quiet">Loading …</p>
        )}
      </div>
    </div>
  );
}
