import { useRunEvents } from '../../api/runs.js';
import { formatCount, formatMoment } from '../../lib/format.js';
import { runCounts } from '../../lib/run.js';
import { statusLook } from '../../lib/status.js';
import { actorPhrase, runMessages, statusSentence } from '../../messages/runs.js';
import './RunDetails.css';

/**
 * The state of a run in a sentence, its counts and its timeline.
 * @param {{run: import('../../api/runs.js').Run}} props
 */
export default function RunDetails({ run }) {
  const events = useRunEvents(run.run_id, run.status).data;
  return (
    <section className="panel rd-details" aria-labelledby="rd-title">
      <h2 id="rd-title">Details</h2>
      <p>{statusSentence(run)}</p>
      {run.status === 'error' && (
        <p className="rd-reason">
          <strong>Reason:</strong> {run.error_message ?? runMessages.noReason}
        </p>
      )}
      <Counts run={run} />
      <h3 className="rd-heading">Timeline</h3>
      {events ? <Timeline events={events} /> : <p className="quiet">Loading …</p>}
    </section>
  );
}

/** @param {{run: import('../../api/runs.js').Run}} props */
function Counts({ run }) {
  const counts = runCounts(run);
  if (counts.length === 0) {
    return <p className="quiet">{runMessages.noJobs(run)}</p>;
  }
  return (
    <dl className="rd-counts">
      {counts.map(({ name, count }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{formatCount(count)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** @param {{events: import('../../api/runs.js').RunEvent[]}} props */
function Timeline({ events }) {
  return (
    <ol className="rd-timeline">
      {events.map((event) => (
        <li key={event.seq}>
          <time dateTime={event.at}>{formatMoment(event.at)}</time>
          <span className="rd-change">{event.from ? statusLook(event.to).label : 'Started'}</span>
          <span className="quiet">{actorPhrase(event.actor)}</span>
        </li>
      ))}
    </ol>
  );
}
