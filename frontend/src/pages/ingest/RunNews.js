import { useState } from 'react';
import { useLocation } from 'react-router';
import Banner from '../../components/Banner.js';
import { formatTime } from '../../lib/format.js';
import './RunNews.css';

/**
 * What there is to be told besides the run itself: the connection, how one got here, what became of an abort.
 * @param {{run?: import('../../api/queries.js').Run, asOf: number, lost: boolean,
 *   abort: ReturnType<typeof import('../../api/queries.js').useAbortRun>}} props
 */
export default function RunNews({ run, asOf, lost, abort }) {
  const arrival = useLocation();
  const [toldActive, setToldActive] = useState(false);
  const tooLate = abort.error?.code === 'run_moved';
  return (
    <>
      <div role="status" className="rn-news">
        {!run && !lost && <p className="quiet">Loading …</p>}
        {lost && (
          <Banner tone="warning">
            Connection lost, retrying. {run && `This is how it stood at ${formatTime(asOf)}.`}
          </Banner>
        )}
        {arrival.state?.alreadyActive && run?.is_active && !toldActive && (
          <Banner tone="info" onDismiss={() => setToldActive(true)}>
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
          The abort was not confirmed. {abort.error.message} You can try again.
        </Banner>
      )}
    </>
  );
}
