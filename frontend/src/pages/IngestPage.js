import { useEffect, useState } from 'react';
import { Link, Navigate, useMatch, useNavigate } from 'react-router';
import { useCurrentRun, useStartRun } from '../api/queries.js';
import Banner from '../components/Banner.js';
import Stepper from '../components/Stepper.js';
import { paths } from '../lib/paths.js';
import { resolveStage, STAGES } from '../lib/stage.js';
import Stage1Configure from './ingest/Stage1Configure.js';
import Stage2Preview from './ingest/Stage2Preview.js';
import Stage3Progress from './ingest/Stage3Progress.js';
import './IngestPage.css';

/** The stepper of three stages. Which one is shown follows from the address and the server's answer. */
export default function IngestPage() {
  const run = useMatch(`${paths.configure}/runs/:runId`);
  const preview = useMatch(paths.preview);
  const step = run ? 'run' : preview ? 'preview' : 'configure';
  const current = useCurrentRun(step !== 'run');
  const activeRun = current.isFetchedAfterMount ? current.data : undefined;
  const arriving = useArriving(step === 'run' || current.isFetchedAfterMount);
  const shown = resolveStage({
    step,
    arriving,
    activeRun: current.isError ? (activeRun ?? null) : activeRun,
  });

  if (shown.goTo) {
    return <Navigate to={paths.run(shown.goTo)} replace />;
  }
  return (
    <div className="ip-page">
      <Stepper stage={shown.stage} />
      {run ? (
        <Stage3Progress key={run.params.runId} runId={/** @type {string} */ (run.params.runId)} />
      ) : (
        <Preparing stage={shown.stage} waiting={shown.waiting} offer={shown.offer} lost={current.isError} />
      )}
    </div>
  );
}

/** Whether the person has only just come to this page: until the first answer of the server, whatever it is. */
function useArriving(answered) {
  const [arriving, setArriving] = useState(true);
  useEffect(() => {
    if (answered) {
      setArriving(false);
    }
  }, [answered]);
  return arriving;
}

/** @param {{stage: number, waiting?: boolean, offer?: number | null, lost: boolean}} props */
function Preparing({ stage, waiting, offer, lost }) {
  const start = useStart();
  return (
    <>
      <title>{`${STAGES[stage - 1].name} · Job Ingestion`}</title>
      <h1 tabIndex={-1}>{STAGES[stage - 1].name}</h1>
      <div role="status" className="ip-news">
        {lost && <Banner tone="warning">Connection lost, retrying.</Banner>}
        {!lost && offer && (
          <Banner tone="info">
            Run {offer} is in progress. <Link to={paths.run(offer)}>View run {offer}</Link>
          </Banner>
        )}
        {waiting && <p className="quiet">Looking for a run in progress …</p>}
      </div>
      {start.problem && (
        <Banner tone="danger" role="alert" onDismiss={start.dismiss}>
          {start.problem}
        </Banner>
      )}
      {!waiting && (stage === 1 ? <Stage1Configure /> : <Stage2Preview />)}
      {!waiting && <ActionBar stage={stage} onStart={start.start} starting={start.starting} />}
    </>
  );
}

/** @param {{stage: number, onStart: () => void, starting: boolean}} props */
function ActionBar({ stage, onStart, starting }) {
  if (stage === 1) {
    return (
      <div className="ip-actions">
        <Link className="button button--primary" to={paths.preview}>
          Next
        </Link>
      </div>
    );
  }
  return (
    <div className="ip-actions">
      <Link className="button" to={paths.configure}>
        Back
      </Link>
      <button
        type="button"
        className="button button--primary"
        aria-disabled={starting}
        onClick={starting ? undefined : onStart}
      >
        {starting ? 'Starting …' : 'Start ingestion'}
      </button>
    </div>
  );
}

/** Starts a run and goes to it; if one is active already, goes to that one, which is told there. */
function useStart() {
  const mutation = useStartRun();
  const navigate = useNavigate();
  const problem = mutation.error?.code === 'run_active' ? null : (mutation.error?.message ?? null);
  return {
    problem: problem && `The start was not confirmed. ${problem} You can try again.`,
    starting: mutation.isPending,
    dismiss: mutation.reset,
    start: () =>
      mutation.mutate(undefined, {
        onSuccess: (runId) => navigate(paths.run(runId)),
        onError: ({ code, problem: { run_id: runId } }) =>
          code === 'run_active' && navigate(paths.run(runId), { state: { alreadyActive: true } }),
      }),
  };
}
