import { useRunEvents } from '../../api/runs.js';
import { formatMoment } from '../../lib/format.js';
import { statusLook } from '../../lib/status.js';
import { actorPhrase } from '../../messages/runs.js';
import './RunDetails.css';

/**
 * The timeline of a run.
 * @param {{run: import('../../api/runs.js').Run}} props
 */
export default function RunDetails({ run }) {
  const events = useRunEvents(run.run_id, run.status).data;
  return (
    <section className="rd-details" aria-labelledby="rd-title">
      <h2 id="rd-title">Timeline</h2>
      {events ? <Timeline events={events} /> : <p className="quiet">Loading …</p>}
    </section>
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
