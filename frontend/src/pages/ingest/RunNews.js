import { useEffect, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import Banner from '../../components/Banner.js';
import { formatTime } from '../../lib/format.js';
import { trouble, unconfirmed } from '../../lib/trouble.js';
import './RunNews.css';

/**
 * What there is to be told besides the run itself: the connection, how one got here, what became of an abort.
 * @param {{run?: import('../../api/queries.js').Run, asOf: number, isOld: boolean,
 *   error: import('../../api/client.js').ApiError | null,
 *   abort: ReturnType<typeof import('../../api/queries.js').useAbortRun>}} props
 */
export default function RunNews({ run, asOf, isOld, error, abort }) {
  const [wasActive, setWasActive] = useAlreadyActive();
  const doubt = error ? trouble(error).sentence : isOld && 'Asking the server again.';
  const tooLate = abort.error?.code === 'run_moved';
  return (
    <>
      <div role="status" className="rn-news">
        {!run && !error && <p className="quiet">Loading …</p>}
        {doubt && (
          <Banner tone="warning">
            {doubt} {run && `This is how it stood at ${formatTime(asOf)}.`}
          </Banner>
        )}
        {wasActive && run?.is_active && (
          <Banner tone="info" onDismiss={() => setWasActive(false)}>
            This run was in progress already, so no second one was started.
          </Banner>
        )}
        {tooLate && (
          <Banner tone="info" onDismiss={abort.reset}>
            The run had ended before the abort reached it.
          </Banner>
        )}
      </div>
      {abort.error && !tooLate && run?.can_abort && (
        <Banner tone="danger" role="alert" onDismiss={abort.reset}>
          {unconfirmed('abort', abort.error)}
        </Banner>
      )}
    </>
  );
}

/** Whether one came here by a start that found this run active; told once, a refresh does not tell it again. */
function useAlreadyActive() {
  const { pathname, state } = useLocation();
  const navigate = useNavigate();
  const told = useState(Boolean(state?.alreadyActive));
  useEffect(() => {
    if (state?.alreadyActive) {
      navigate(pathname, { replace: true, state: null });
    }
  }, [pathname, state, navigate]);
  return told;
}
