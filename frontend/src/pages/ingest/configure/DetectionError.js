import Banner from '../../../components/Banner.js';
import { errorLines } from '../../../lib/fieldErrors.js';
import { detectionError } from '../../../messages/detection.js';
import './DetectionError.css';

/**
 * The reason why no board was found, advice, and the candidates if there are several boards.
 * @param {{error: import('../../../api/client.js').ApiError, onDismiss: () => void,
 *   onChoose: (candidate: import('../../../api/sources.js').BoardQuery) => void}} props
 */
export default function DetectionError({ error, onChoose, onDismiss }) {
  const { reason, advice } = detectionError(error);
  const { candidates = [], errors } = error.problem;
  return (
    <Banner tone={candidates.length > 0 ? 'info' : 'danger'} role="alert" onDismiss={onDismiss}>
      <p>
        {reason} {errors && errorLines(errors).join(' ')} {advice}
      </p>
      {candidates.length > 0 && (
        <ul className="de-candidates">
          {candidates.map(({ source, source_name: sourceName, board }) => (
            <li key={`${source}:${board}`}>
              <button type="button" className="button" onClick={() => onChoose({ source, board })}>
                <span>
                  {sourceName}: <bdi>{board}</bdi>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Banner>
  );
}
