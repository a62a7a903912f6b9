import { focusHeading } from '../lib/focusHeading.js';
import './Banner.css';

/**
 * A message. With the role "alert", screen readers announce it at once.
 * @param {{tone: 'info' | 'warning' | 'danger', role?: 'alert', onDismiss?: () => void,
 *   children: import('react').ReactNode}} props
 */
export default function Banner({ tone, role, onDismiss, children }) {
  function dismiss() {
    onDismiss?.();
    focusHeading();
  }
  return (
    <div className={`bn-banner bn-banner--${tone}`} role={role}>
      <div className="bn-text">{children}</div>
      {onDismiss && (
        <button type="button" className="bn-dismiss" onClick={dismiss} aria-label="Dismiss this message">
          <span aria-hidden="true">×</span>
        </button>
      )}
    </div>
  );
}
