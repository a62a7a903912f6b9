import { useHealth } from '../../../api/health.js';
import Banner from '../../../components/Banner.js';
import { runWaitingReason } from '../../../messages/progress.js';
import './RunWaiting.css';

/**
 * The reason why a run waits, if the server names one.
 * @param {{run: import('../../../api/runs.js').Run}} props
 */
export default function RunWaiting({ run }) {
  const { status, worker_seen_at: seenAt, companies_reading: reading } = run;
  const isWaiting =
    (status === 'pending' && !seenAt) ||
    (status === 'initializing' && reading === 0) ||
    status === 'ingesting';
  const health = useHealth(isWaiting);
  const reason = health && runWaitingReason(run, health);
  return (
    <div role="status" className="rw-notice">
      {reason && <Banner tone="warning">{reason}</Banner>}
    </div>
  );
}
