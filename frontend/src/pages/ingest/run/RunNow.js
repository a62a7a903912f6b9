import { Link } from 'react-router';
import ProgressBar from '../../../components/ProgressBar.js';
import { formatCount } from '../../../lib/format.js';
import { paths } from '../../../lib/paths.js';
import { isUnderWay, runBar } from '../../../lib/run.js';
import { barKey, headline, progressMessages } from '../../../messages/progress.js';
import { changes, promise, retryOf, runCounts } from '../../../messages/results.js';
import { runMessages } from '../../../messages/runs.js';
import './RunNow.css';

/** @typedef {import('../../../api/runs.js').Run} Run */

/**
 * A run at present: its state in a sentence, its bar, its counts and the promise of its preview.
 * @param {{run: Run}} props
 */
export default function RunNow({ run }) {
  const promised = promise(run);
  const hasJobs = changes(run) !== '';
  return (
    <section className="nw-now" aria-labelledby="nw-title">
      <h2 id="nw-title" className="nw-title">
        {headline(run)}
      </h2>
      {run.status === 'error' && (
        <p className="nw-reason">
          <strong>Reason:</strong> <bdi>{run.error_message ?? runMessages.noReason}</bdi>
        </p>
      )}
      {run.note && <p dir="auto">{run.note}</p>}
      <Bar run={run} />
      <Counts run={run} />
      {promised && <p className="quiet">{promised}</p>}
      {run.retry_of && (
        <p className="quiet">
          <Link to={paths.run(run.retry_of)}>{retryOf(run.retry_of)}</Link>
        </p>
      )}
      {(hasJobs || !run.is_active) && (
        <p className="nw-ways">
          {hasJobs && (
            <Link
              className={run.is_active ? 'button' : 'button button--primary'}
              to={paths.jobsOfRun(run.run_id)}
            >
              {progressMessages.seeJobs}
            </Link>
          )}
          {!run.is_active && (
            <Link className={hasJobs ? 'button' : 'button button--primary'} to={paths.configure}>
              Set up a new run
            </Link>
          )}
        </p>
      )}
    </section>
  );
}

/** @param {{run: Run}} props */
function Bar({ run }) {
  const bar = runBar(run);
  const key = isUnderWay(run) && barKey(run);
  return (
    <>
      {bar && (
        <ProgressBar
          label={run.status === 'initializing' ? progressMessages.boardsBar : progressMessages.jobsBar}
          text={headline(run)}
          {...bar}
        />
      )}
      {key && <p className="quiet nw-key">{key}</p>}
    </>
  );
}

/** @param {{run: Run}} props */
function Counts({ run }) {
  const counts = runCounts(run);
  return (
    counts.length > 0 && (
      <dl className="nw-counts">
        {counts.map(({ name, count, words }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className={count > 0 ? 'nw-count' : 'nw-count nw-count--zero'}>{formatCount(count)}</dd>
            <dd className="quiet nw-words">{words}</dd>
          </div>
        ))}
      </dl>
    )
  );
}
