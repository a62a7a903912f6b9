import { useEffect, useState } from 'react';
import { Link, Navigate } from 'react-router';
import { useCurrentRun } from '../../api/runs.js';
import { ActionSlot } from '../../components/ActionBar.js';
import Banner from '../../components/Banner.js';
import { paths } from '../../lib/paths.js';
import { resolveStage, STAGES } from '../../lib/stage.js';
import { connectionMessage } from '../../messages/errors.js';
import { runMessages } from '../../messages/runs.js';
import Stage1Configure from './Stage1Configure.js';
import Stage2Preview from './Stage2Preview.js';
import { useStart } from './useStart.js';
import './SetupStages.css';

/**
 * Stages 1 and 2 with their heading, their actions and the notice of an active run.
 * @param {{step: 'configure' | 'preview', arriving: boolean, onArrived: () => void}} props
 */
export default function SetupStages({ step, arriving, onArrived }) {
  const { activeRun, error } = useCurrentRun();
  // Without an answer the form can be used; the server refuses a start while a run is active.
  const known = error ? (activeRun ?? null) : activeRun;
  const { stage, waiting, goTo, offer } = resolveStage({ step, arriving, activeRun: known });
  const answered = known !== undefined;
  useEffect(() => {
    if (answered) {
      onArrived();
    }
  }, [answered, onArrived]);
  const start = useStart();
  const [slot, setSlot] = useState(/** @type {HTMLElement | null} */ (null));
  if (goTo) {
    return <Navigate to={paths.run(goTo)} replace />;
  }
  const { name } = STAGES[stage - 1];
  return (
    <ActionSlot value={slot}>
      <title>{`${name} · Job Ingestion`}</title>
      <div className="ss-header">
        <h1 tabIndex={-1}>{name}</h1>
        <div className="ss-actions" ref={setSlot} />
      </div>
      <div role="status" className="ss-alerts">
        {error && <Banner tone="warning">{connectionMessage(error).sentence}</Banner>}
        {!error && offer && (
          <Banner tone="info">
            {runMessages.inProgress(offer)} <Link to={paths.run(offer)}>View run {offer}</Link>
          </Banner>
        )}
        {waiting && <p className="quiet">{runMessages.lookingForActive}</p>}
      </div>
      {!waiting && stage === 1 && <Stage1Configure />}
      {!waiting && stage === 2 && <Stage2Preview start={start} offered={!error && Boolean(offer)} />}
    </ActionSlot>
  );
}
