import { Link } from 'react-router';
import Banner from '../../../components/Banner.js';
import { useDrafts } from '../../../lib/draftStore.js';
import { hasUnsavedChanges } from '../../../lib/drafts.js';
import { paths } from '../../../lib/paths.js';
import { changeError } from '../../../messages/errors.js';
import { previewChanges, previewMessages } from '../../../messages/previews.js';
import './PreviewAlerts.css';

/**
 * Messages above a preview: a failed start or refresh, changed settings, unsaved changes.
 * @param {{currentPreview: ReturnType<typeof import('./useCurrentPreview.js').useCurrentPreview>,
 *   start: ReturnType<typeof import('../useStart.js').useStart>, offered: boolean, onRefresh: () => void}} props
 */
export default function PreviewAlerts({ currentPreview, start, offered, onRefresh }) {
  const { preview, isCreating, createError, dismissError } = currentPreview;
  const { problem } = start;
  const isUnsaved = useDrafts(hasUnsavedChanges);
  return (
    <>
      {problem && !offered && (
        <Banner tone="danger" role="alert" onDismiss={start.dismiss}>
          <p>{problem.sentence}</p>
          {problem.needsRefresh && <RefreshButton onRefresh={onRefresh} />}
        </Banner>
      )}
      {createError && createError.code !== 'no_companies' && !isCreating && (
        <Banner tone="danger" role="alert" onDismiss={dismissError}>
          <p>{changeError(previewChanges.create, createError)}</p>
          <RefreshButton onRefresh={onRefresh} />
        </Banner>
      )}
      <div role="status" className="pa-alerts">
        {preview && !preview.is_current && !isCreating && !problem?.needsRefresh && (
          <Banner tone="warning">
            <p>{previewMessages.outdated}</p>
            <RefreshButton onRefresh={onRefresh} />
          </Banner>
        )}
        {isUnsaved && (
          <Banner tone="info">
            {previewMessages.unsaved} <Link to={paths.configure}>Back to your changes</Link>
          </Banner>
        )}
      </div>
    </>
  );
}

/** @param {{onRefresh: () => void}} props */
function RefreshButton({ onRefresh }) {
  return (
    <button type="button" className="button pa-refresh" onClick={onRefresh}>
      Refresh the preview
    </button>
  );
}
