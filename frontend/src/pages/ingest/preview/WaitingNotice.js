import { useHealth } from '../../../api/health.js';
import Banner from '../../../components/Banner.js';
import { waitingReason } from '../../../messages/previews.js';
import './WaitingNotice.css';

/** Most previews are finished sooner. */
const MIN_WAIT_MS = 10_000;

/**
 * The reason why a preview takes longer than usual, if the server names one.
 * @param {{preview: import('../../../api/previews.js').Preview}} props
 */
export default function WaitingNotice({ preview }) {
  const { is_finished: isFinished, created_at: createdAt, server_time: serverTime } = preview;
  const isWaiting = !isFinished && Date.parse(serverTime) - Date.parse(createdAt) >= MIN_WAIT_MS;
  const health = useHealth(isWaiting);
  const reason = health && waitingReason(health);
  return (
    <div role="status" className="wn-notice">
      {reason && <Banner tone="warning">{reason}</Banner>}
    </div>
  );
}
