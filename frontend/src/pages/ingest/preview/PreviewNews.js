import { Link } from 'react-router';
import Banner from '../../../components/Banner.js';
import { useDrafts } from '../../../lib/draftStore.js';
import { unsaved } from '../../../lib/drafts.js';
import { paths } from '../../../lib/paths.js';
import { unconfirmed } from '../../../lib/trouble.js';
import './PreviewNews.css';

const isAnyUnsaved = (drafts) => unsaved(drafts).length > 0;

/**
 * What there is to be told besides the preview itself: a start or a refresh that failed, settings that have changed since,
 * and what was typed and not saved.
 * @param {{previewing: ReturnType<typeof import('./usePreviewing.js').usePreviewing>,
 *   start: ReturnType<typeof import('../useStart.js').useStart>, offered: boolean, onRefresh: () => void}} props
 */
export default function PreviewNews({ previewing, start, offered, onRefresh }) {
  const { preview, isMaking, refusal, forgive } = previewing;
  const { problem } = start;
  const isAny = useDrafts(isAnyUnsaved);
  return (
    <>
      {problem && !offered && (
        <Banner tone="danger" role="alert" onDismiss={start.dismiss}>
          <p>{problem.sentence}</p>
          {problem.needsRefresh && <Refresh onRefresh={onRefresh} />}
        </Banner>
      )}
      {refusal && refusal.code !== 'no_companies' && !isMaking && (
        <Banner tone="danger" role="alert" onDismiss={forgive}>
          <p>{unconfirmed('new preview', refusal)}</p>
          <Refresh onRefresh={onRefresh} />
        </Banner>
      )}
      <div role="status" className="pn-news">
        {preview && !preview.is_current && !isMaking && !problem?.needsRefresh && (
          <Banner tone="warning">
            <p>Your companies have changed since this preview was made.</p>
            <Refresh onRefresh={onRefresh} />
          </Banner>
        )}
        {isAny && (
          <Banner tone="info">
            There are changes that you did not save; they are not part of this preview.{' '}
            <Link to={paths.configure}>Back to them</Link>
          </Banner>
        )}
      </div>
    </>
  );
}

/** @param {{onRefresh: () => void}} props */
function Refresh({ onRefresh }) {
  return (
    <button type="button" className="button pn-refresh" onClick={onRefresh}>
      Refresh the preview
    </button>
  );
}
