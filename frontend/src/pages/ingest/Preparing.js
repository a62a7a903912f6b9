import { useEffect, useState } from 'react';
import { Link, Navigate } from 'react-router';
import { useCurrentRun } from '../../api/queries.js';
import { ActionPlace } from '../../components/ActionBar.js';
import Banner from '../../components/Banner.js';
import { paths } from '../../lib/paths.js';
import { resolveStage, STAGES } from '../../lib/stage.js';
import { trouble } from '../../lib/trouble.js';
import Stage1Configure from './Stage1Configure.js';
import Stage2Preview from './Stage2Preview.js';
import { useStart } from './useStart.js';
import './Preparing.css';

/**
 * Stages 1 and 2, and what leads on from them.
 * @param {{step: 'configure' | 'preview', arriving: boolean, onArrived: () => void}} props
 */
export default function Preparing({ step, arriving, onArrived }) {
  const { activeRun, error } = useCurrentRun();
  // Somebody who arrives while the server is away may begin all the same; starting is refused, should a run be active.
  const known = error ? (activeRun ?? null) : activeRun;
  const { stage, waiting, goTo, offer } = resolveStage({ step, arriving, activeRun: known });
  const answered = known !== undefined;
  useEffect(() => {
    if (answered) {
      onArrived();
    }
  }, [answered, onArrived]);
  const start = useStart();
  const [place, setPlace] = useState(/** @type {HTMLElement | null} */ (null));
  if (goTo) {
    return <Navigate to={paths.run(goTo)} replace />;
  }
  const { name } = STAGES[stage - 1];
  return (
    <ActionPlace value={place}>
      <title>{`${name} · Job Ingestion`}</title>
      <div className="pr-header">
        <h1 tabIndex={-1}>{name}</h1>
        <div className="pr-actions" ref={setPlace} />
      </div>
      <div role="status" className="pr-news">
        {error && <Banner tone="warning">{trouble(error).sentence}</Banner>}
        {!error && offer && (
          <Banner tone="info">
            Run {offer} is in progress. <Link to={paths.run(offer)}>View run {offer}</Link>
          </Banner>
        )}
        {waiting && <p className="quiet">Looking for a run in progress …</p>}
      </div>
      {!waiting && stage === 1 && <Stage1Configure />}
      {!waiting && stage === 2 && <Stage2Preview start={start} offered={!error && Boolean(offer)} />}
    </ActionPlace>
  );
}
