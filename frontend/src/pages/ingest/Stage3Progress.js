import { Link } from 'react-router';
import { isMissing } from '../../api/client.js';
import { useAbortRun, useRun } from '../../api/runs.js';
import CopyButton from '../../components/CopyButton.js';
import StatusBadge from '../../components/StatusBadge.js';
import { formatCount, formatDuration, formatMoment } from '../../lib/format.js';
import { paths } from '../../lib/paths.js';
import { runDuration } from '../../lib/run.js';
import { statusLook } from '../../lib/status.js';
import { UNKNOWN, useFavicon } from '../../lib/useFavicon.js';
import { useNow } from '../../lib/useNow.js';
import { connectionMessage } from '../../messages/errors.js';
import { runMessages } from '../../messages/runs.js';
import AbortButton from './AbortButton.js';
import RunAlerts from './RunAlerts.js';
import RunDetails from './RunDetails.js';
import ClosingsQuestion from './run/ClosingsQuestion.js';
import RetryFailed from './run/RetryFailed.js';
import RunCompanies from './run/RunCompanies.js';
import RunNow from './run/RunNow.js';
import RunWaiting from './run/RunWaiting.js';
import './Stage3Progress.css';

/** @typedef {import('../../api/runs.js').Run} Run */

/**
 * Stage 3: one run. The heading is rendered before the run is loaded, because it receives the focus.
 * @param {{runId: string}} props
 */
export default function Stage3Progress({ runId }) {
  const { run: lastRun, asOf, isStale, error } = useRun(runId);
  const abort = useAbortRun(runId);
  const missing = isMissing(error);
  const run = missing ? undefined : lastRun;
  const isUncertain = !missing && (isStale || error !== null);
  useFavicon(isUncertain ? UNKNOWN : run ? statusLook(run.status).favicon : 'idle');
  return (
    <div className="s3-run">
      <title>{`${tabTitle(runId, isUncertain ? undefined : run, error)} · Job Ingestion`}</title>
      <div className="s3-header">
        <div className="s3-name">
          <h1 tabIndex={-1}>
            {missing ? 'There is no run' : 'Run'} <span className="s3-id">{runId}</span>
          </h1>
          {!missing && <CopyButton text={runId} label="Copy the run's ID" />}
        </div>
        {run?.can_abort && <AbortButton runId={runId} abort={abort} />}
      </div>
      {missing && <RunNotFound />}
      {!missing && <RunAlerts run={run} asOf={asOf} isStale={isStale} error={error} abort={abort} />}
      {run && <RunPanel run={run} asOf={asOf} isUncertain={isUncertain} />}
    </div>
  );
}

/** The title of the tab. A status that may be out of date is left out. */
function tabTitle(runId, run, error) {
  if (isMissing(error)) {
    return 'No such run';
  }
  const state = error ? connectionMessage(error).title : run && statusLook(run.status).label;
  return state ? `Run ${runId} · ${state}` : `Run ${runId}`;
}

/** @param {{run: Run, asOf: number, isUncertain: boolean}} props */
function RunPanel({ run, asOf, isUncertain }) {
  return (
    <>
      <StatusRow run={run} asOf={asOf} isUncertain={isUncertain} />
      <RunWaiting run={run} />
      <RunNow run={run} />
      {run.closings && (
        <ClosingsQuestion runId={run.run_id} isActive={run.is_active} closings={run.closings} />
      )}
      {!run.is_active && run.companies_failed > 0 && <RetryFailed run={run} />}
      {run.companies_total ? <RunCompanies run={run} /> : null}
      <RunDetails run={run} />
    </>
  );
}

/**
 * Status and times. The clock stops while the connection is lost, because the run may have ended.
 * @param {{run: Run, asOf: number, isUncertain: boolean}} props
 */
function StatusRow({ run, asOf, isUncertain }) {
  const ticking = run.is_active && !isUncertain;
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
            <span role="timer">{formatDuration(runDuration(run, ticking ? now - asOf : 0))}</span>
          </dd>
        </div>
        <Moment name="Started" at={run.created_at} />
        {run.finished_at && <Moment name="Ended" at={run.finished_at} />}
        {run.companies_total ? (
          <div>
            <dt>Companies</dt>
            <dd>{formatCount(run.companies_total)}</dd>
          </div>
        ) : null}
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

function RunNotFound() {
  return (
    <>
      <p>{runMessages.missing}</p>
      <p className="s3-ways">
        <Link to={paths.runs}>See your runs</Link>
        <Link to={paths.configure}>Set up a new run</Link>
      </p>
    </>
  );
}
