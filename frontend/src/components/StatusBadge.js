import { statusLook } from '../lib/status.js';
import './StatusBadge.css';

/**
 * A status as icon and label. The colour only repeats them.
 * @param {{status: string}} props
 */
export default function StatusBadge({ status }) {
  const { label, tone, icon } = statusLook(status);
  return (
    <span className={`sb-badge sb-badge--${tone}`}>
      <svg className="sb-icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d={icon} />
      </svg>
      <span>{label}</span>
    </span>
  );
}
