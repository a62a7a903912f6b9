import { Link } from 'react-router';
import { isMissing, useAbortRun, useRun } from '../../api/queries.js';
import CopyButton from '../../components/CopyButton.js';
import StatusBadge from '../../components/StatusBadge.js';
import { formatDuration, formatMoment } from '../../lib/format.js';
import { paths } from '../../lib/paths.js';
import { lasted } from '../../lib/run.js';
import { statusLook } from '../../lib/status.js';
import { trouble } from '../../lib/trouble.js';
import { UNKNOWN, useFavicon } from '../../lib/useFavicon.js';
import { useNow } from '../../lib/useNow.js';
import AbortButton from './AbortButton.js';
import RunDetails from './RunDetails.js';
import RunNews from './RunNews.js';
import './Stage3Progress.css';

/** @typedef {import('../../api/queries.js').Run} Run */

/**
 * Stage 3: one run, as the server knows it. The heading is one and the same from the first moment on: it has the focus.
 * @param {{runId: string}} props
 */
export default function Stage3Progress({ runId }) {
  const { run: known, asOf, isOld, error } = useRun(runId);
  const abort = useAbortRun(runId);
  const missing = isMissing(error);
  const run = missing ? undefined : known;
  const lost = !missing && (isOld || error !== null);
  useFavicon(lost ? UNKNOWN : run ? statusLook(run.status).favicon : 'idle');
  return (
    <div className="s3-run">
      <title>{`${titleOf(runId, lost ? undefined : run, error)} · Job Ingestion`}</title>
      <div className="s3-header">
        <div className="s3-name">
          <h1 tabIndex={-1}>
            {missing ? 'There is no run' : 'Run'} <span className="s3-id">{runId}</span>
          </h1>
          {!missing && <CopyButton text={runId} label="Copy the run's ID" />}
        </div>
        {run?.can_abort && <AbortButton runId={runId} abort={abort} />}
      </div>
      {missing && <Missing />}
      {!missing && <RunNews run={run} asOf={asOf} isOld={isOld} error={error} abort={abort} />}
      {run && <Known run={run} asOf={asOf} lost={lost} />}
    </div>
  );
}

/** What the tab is called. A status that may be out of date is not in it. */
function titleOf(runId, run, error) {
  if (isMissing(error)) {
    return 'No such run';
  }
  const state = error ? trouble(error).title : run && statusLook(run.status).label;
  return state ? `Run ${runId} · ${state}` : `Run ${runId}`;
}

/** @param {{run: Run, asOf: number, lost: boolean}} props */
function Known({ run, asOf, lost }) {
  return (
    <>
      <StatusRow run={run} asOf={asOf} lost={lost} />
      <RunDetails run={run} />
      {!run.is_active && (
        <p>
          <Link className="button button--primary" to={paths.configure}>
            Start a new run
          </Link>
        </p>
      )}
    </>
  );
}

/**
 * While the connection is lost the clock stands: nobody knows whether the run still goes on.
 * @param {{run: Run, asOf: number, lost: boolean}} props
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

function Missing() {
  return (
    <>
      <p>No run of yours has this ID. The address may be mistyped.</p>
      <p className="s3-ways">
        <Link to={paths.runs}>See your runs</Link>
        <Link to={paths.configure}>Start a new run</Link>
      </p>
    </>
  );
}
