import { useHealth } from '../../../api/health.js';
import Banner from '../../../components/Banner.js';
import { runWaitingReason } from '../../../messages/progress.js';
import './RunWaiting.css';

/** Most runs have begun sooner. */
const MIN_WAIT_MS = 2000;

/**
 * The reason why a run waits, if the server names one.
 * @param {{run: import('../../../api/runs.js').Run}} props
 */
export default function RunWaiting({ run }) {
  const isWaiting =
    mayWait(run) && Date.parse(run.server_time) - Date.parse(run.created_at ?? '') >= MIN_WAIT_MS;
  const health = useHealth(Boolean(isWaiting));
  const reason = health && runWaitingReason(run, health);
  return (
    <div role="status" className="rw-notice">
      {reason && <Banner tone="warning">{reason}</Banner>}
    </div>
  );
}

/** @param {import('../../../api/runs.js').Run} run */
function mayWait({ status, worker_seen_at: seenAt, companies_reading: reading }) {
  return {
    pending: !seenAt,
    initializing: reading === 0,
    ingesting: true,
  }[status];
}
