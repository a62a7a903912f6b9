import { Link } from 'react-router';
import { STAGES } from '../lib/stage.js';
import './Stepper.css';

/**
 * The steps of the Ingest page and the current one. Completed steps are links, except beside a run, whose settings can no
 * longer change.
 * @param {{stage: 1 | 2 | 3}} props
 */
export default function Stepper({ stage }) {
  return (
    <nav aria-label="Steps">
      <p className="st-short">
        Step {stage} of {STAGES.length}: {STAGES[stage - 1].name}
      </p>
      <ol className="st-list">
        {STAGES.map((step, index) => (
          <Step key={step.name} step={step} number={index + 1} stage={stage} />
        ))}
      </ol>
    </nav>
  );
}

/** @param {{step: {name: string, path: string | null}, number: number, stage: number}} props */
function Step({ step, number, stage }) {
  const done = number < stage;
  const label = (
    <>
      <span aria-hidden="true" className="st-number">
        {done ? '✓' : number}
      </span>
      {step.name}
      {done && <span className="sr-only"> (completed)</span>}
    </>
  );
  return (
    <li
      className={`st-step ${done ? 'st-step--done' : ''}`}
      aria-current={number === stage ? 'step' : undefined}
    >
      {done && step.path && stage < STAGES.length ? (
        <Link to={step.path}>{label}</Link>
      ) : (
        <span>{label}</span>
      )}
    </li>
  );
}
