import { useEffect, useState } from 'react';
import { useMatch } from 'react-router';
import Stepper from '../components/Stepper.js';
import { paths } from '../lib/paths.js';
import SetupStages from './ingest/SetupStages.js';
import Stage3Progress from './ingest/Stage3Progress.js';
import './IngestPage.css';

/** The stepper and its three stages. The address and the server's answer decide which stage is shown. */
export default function IngestPage() {
  const run = useMatch(`${paths.configure}/runs/:runId`);
  const isPreview = useMatch(paths.preview) !== null;
  const [arriving, setArriving] = useState(true);
  const isRun = run !== null;
  useEffect(() => {
    if (isRun) {
      setArriving(false);
    }
  }, [isRun]);
  return (
    <div className="ip-page">
      <Stepper stage={isRun ? 3 : isPreview ? 2 : 1} />
      {isRun ? (
        <Stage3Progress key={run.params.runId} runId={/** @type {string} */ (run.params.runId)} />
      ) : (
        <SetupStages
          step={isPreview ? 'preview' : 'configure'}
          arriving={arriving}
          onArrived={() => setArriving(false)}
        />
      )}
    </div>
  );
}
