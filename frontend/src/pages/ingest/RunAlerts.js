import { useEffect, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import Banner from '../../components/Banner.js';
import { changeError, connectionMessage } from '../../messages/errors.js';
import { runChanges, runMessages } from '../../messages/runs.js';
import './RunAlerts.css';

/**
 * Messages above a run: a lost connection, a start that found this run active, the outcome of an abort.
 * @param {{run?: import('../../api/runs.js').Run, asOf: number, isStale: boolean,
 *   error: import('../../api/client.js').ApiError | null,
 *   abort: ReturnType<typeof import('../../api/runs.js').useAbortRun>}} props
 */
export default function RunAlerts({ run, asOf, isStale, error, abort }) {
  const [alreadyActive, setAlreadyActive] = useAlreadyActive();
  const doubt = error ? connectionMessage(error).sentence : isStale && runMessages.checkingAgain;
  const tooLate = abort.error?.code === 'run_moved';
  return (
    <>
      <div role="status" className="ra-alerts">
        {!run && !error && <p className="quiet">Loading …</p>}
        {doubt && (
          <Banner tone="warning">
            {doubt} {run && runMessages.lastUpdated(asOf)}
          </Banner>
        )}
        {alreadyActive && run?.is_active && (
          <Banner tone="info" onDismiss={() => setAlreadyActive(false)}>
            {runMessages.alreadyActive}
          </Banner>
        )}
        {tooLate && (
          <Banner tone="info" onDismiss={abort.reset}>
            {runMessages.abortTooLate}
          </Banner>
        )}
      </div>
      {abort.error && !tooLate && run?.can_abort && (
        <Banner tone="danger" role="alert" onDismiss={abort.reset}>
          {changeError(runChanges.abort, abort.error)}
        </Banner>
      )}
    </>
  );
}

/** True after a start that found this run active; not again after a refresh. */
function useAlreadyActive() {
  const { pathname, state } = useLocation();
  const navigate = useNavigate();
  const shown = useState(Boolean(state?.alreadyActive));
  useEffect(() => {
    if (state?.alreadyActive) {
      navigate(pathname, { replace: true, state: null });
    }
  }, [pathname, state, navigate]);
  return shown;
}
