import { useRunEvents } from '../../api/queries.js';
import { formatCount, formatMoment } from '../../lib/format.js';
import { by, counts, sentence } from '../../lib/run.js';
import { statusLook } from '../../lib/status.js';
import './RunDetails.css';

/**
 * What is going on in the run, its counts, and what happened to it so far.
 * @param {{run: import('../../api/queries.js').Run}} props
 */
export default function RunDetails({ run }) {
  const events = useRunEvents(run.run_id, run.status).data;
  return (
    <section className="panel rd-details" aria-labelledby="rd-title">
      <h2 id="rd-title">Details</h2>
      <p>{sentence(run)}</p>
      {run.status === 'error' && (
        <p className="rd-reason">
          <strong>Reason:</strong> {run.error_message ?? 'none was given.'}
        </p>
      )}
      <Counts run={run} />
      <h3 className="rd-heading">Timeline</h3>
      {events ? <Timeline events={events} /> : <p className="quiet">Loading …</p>}
    </section>
  );
}

/** @param {{run: import('../../api/queries.js').Run}} props */
function Counts({ run }) {
  const known = counts(run);
  if (known.length === 0) {
    return <p className="quiet">No postings {run.is_active ? 'so far' : 'were taken in'}.</p>;
  }
  return (
    <dl className="rd-counts">
      {known.map(({ name, count }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{formatCount(count)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** @param {{events: import('../../api/queries.js').RunEvent[]}} props */
function Timeline({ events }) {
  return (
    <ol className="rd-timeline">
      {events.map((event) => (
        <li key={event.seq}>
          <time dateTime={event.at}>{formatMoment(event.at)}</time>
          <span className="rd-change">{event.from ? statusLook(event.to).label : 'Started'}</span>
          <span className="quiet">{by(event.actor)}</span>
        </li>
      ))}
    </ol>
  );
}
