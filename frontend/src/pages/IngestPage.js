import { useEffect, useState } from 'react';
import { useMatch } from 'react-router';
import Stepper from '../components/Stepper.js';
import { paths } from '../lib/paths.js';
import Preparing from './ingest/Preparing.js';
import Stage3Progress from './ingest/Stage3Progress.js';
import './IngestPage.css';

/** The stepper of three stages. Which one is shown follows from the address and the server's answer. */
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
        <Preparing
          step={isPreview ? 'preview' : 'configure'}
          arriving={arriving}
          onArrived={() => setArriving(false)}
        />
      )}
    </div>
  );
}
