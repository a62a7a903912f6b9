import { useEffect, useRef } from 'react';
import { Link, Navigate, useNavigate } from 'react-router';
import { useCurrentRun, useStartRun } from '../../api/queries.js';
import Banner from '../../components/Banner.js';
import { paths } from '../../lib/paths.js';
import { resolveStage, STAGES } from '../../lib/stage.js';
import { trouble, unconfirmed } from '../../lib/trouble.js';
import Stage1Configure from './Stage1Configure.js';
import Stage2Preview from './Stage2Preview.js';
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
  if (goTo) {
    return <Navigate to={paths.run(goTo)} replace />;
  }
  const { name } = STAGES[stage - 1];
  return (
    <>
      <title>{`${name} · Job Ingestion`}</title>
      <h1 tabIndex={-1}>{name}</h1>
      <div role="status" className="pr-news">
        {error && <Banner tone="warning">{trouble(error).sentence}</Banner>}
        {!error && offer && (
          <Banner tone="info">
            Run {offer} is in progress. <Link to={paths.run(offer)}>View run {offer}</Link>
          </Banner>
        )}
        {waiting && <p className="quiet">Looking for a run in progress …</p>}
      </div>
      {start.problem && stage === 2 && (error || !offer) && (
        <Banner tone="danger" role="alert" onDismiss={start.dismiss}>
          {start.problem}
        </Banner>
      )}
      {!waiting && (stage === 1 ? <Stage1Configure /> : <Stage2Preview />)}
      {!waiting && <ActionBar stage={stage} start={start} />}
    </>
  );
}

/** @param {{stage: number, start: ReturnType<typeof useStart>}} props */
function ActionBar({ stage, start }) {
  if (stage === 1) {
    return (
      <div className="pr-actions">
        <Link className="button button--primary" to={paths.preview}>
          Next
        </Link>
      </div>
    );
  }
  return (
    <div className="pr-actions">
      <Link className="button" to={paths.configure} onClick={start.dismiss}>
        Back
      </Link>
      <button
        type="button"
        className="button button--primary"
        aria-disabled={start.isUnderWay}
        onClick={start.begin}
      >
        {start.isUnderWay ? 'Starting …' : 'Start ingestion'}
      </button>
    </div>
  );
}

/** Starts a run and goes to it; if one is active already, goes to that one, which is told there. */
function useStart() {
  const mutation = useStartRun();
  const navigate = useNavigate();
  // What is rendered is a moment late: a second click comes before it.
  const isUnderWay = useRef(false);
  const { error } = mutation;
  return {
    problem: error && error.code !== 'run_active' ? unconfirmed('start', error) : null,
    isUnderWay: mutation.isPending,
    dismiss: mutation.reset,
    begin: () => {
      if (isUnderWay.current) {
        return;
      }
      isUnderWay.current = true;
      mutation.mutate(undefined, {
        onSuccess: (runId) => navigate(paths.run(runId)),
        onError: ({ code, problem: { run_id: runId } }) =>
          code === 'run_active' && navigate(paths.run(runId), { state: { alreadyActive: true } }),
        onSettled: () => {
          isUnderWay.current = false;
        },
      });
    },
  };
}
