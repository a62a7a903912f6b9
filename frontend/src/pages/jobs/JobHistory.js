import { formatMoment } from '../../lib/format.js';
import { eventWords } from '../../messages/jobs.js';
import './JobHistory.css';

/**
 * The changes of a job by the user's runs, in words.
 * @param {{history: import('../../api/jobs.js').JobEvent[]}} props
 */
export default function JobHistory({ history }) {
  return (
    history.length > 0 && (
      <div className="jh-history">
        <h3 className="jh-name">History</h3>
        <ol className="jh-events">
          {history.map((event) => (
            <li key={event.event_id}>
              <time className="quiet" dateTime={event.at}>
                {formatMoment(event.at)}
              </time>
              <span>{eventWords(event)}</span>
            </li>
          ))}
        </ol>
      </div>
    )
  );
}
