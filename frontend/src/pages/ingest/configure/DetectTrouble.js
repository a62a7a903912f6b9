import Banner from '../../../components/Banner.js';
import { detectTrouble } from '../../../lib/detecting.js';
import { faultLines } from '../../../lib/fieldErrors.js';
import './DetectTrouble.css';

/**
 * Why no board was found, what to do, and the boards to choose from where there are several.
 * @param {{error: import('../../../api/client.js').ApiError, onDismiss: () => void,
 *   onChoose: (where: import('../../../api/sources.js').Wanted) => void}} props
 */
export default function DetectTrouble({ error, onChoose, onDismiss }) {
  const { why, advice } = detectTrouble(error);
  const { candidates = [], errors } = error.problem;
  return (
    <Banner tone={candidates.length > 0 ? 'info' : 'danger'} role="alert" onDismiss={onDismiss}>
      <p>
        {why} {errors && faultLines(errors).join(' ')} {advice}
      </p>
      {candidates.length > 0 && (
        <ul className="dt-candidates">
          {candidates.map(({ source, source_name: system, board }) => (
            <li key={`${source}:${board}`}>
              <button type="button" className="button" onClick={() => onChoose({ source, board })}>
                <span>
                  {error.code === 'board_moved' && 'Follow to '}
                  {system}: <bdi>{board}</bdi>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Banner>
  );
}
