import { Link } from 'react-router';
import Banner from '../../../components/Banner.js';
import { useDrafts } from '../../../lib/draftStore.js';
import { hasUnsavedChanges } from '../../../lib/drafts.js';
import { paths } from '../../../lib/paths.js';
import { changeError } from '../../../messages/errors.js';
import { previewChanges, previewMessages } from '../../../messages/previews.js';
import './PreviewAlerts.css';

/**
 * Messages above a preview: a failed start or creation, changed settings, unsaved changes.
 * @param {{currentPreview: ReturnType<typeof import('./useCurrentPreview.js').useCurrentPreview>,
 *   start: ReturnType<typeof import('../useStart.js').useStart>, offered: boolean,
 *   onRenew: (options?: {refresh: boolean}) => void}} props
 */
export default function PreviewAlerts({ currentPreview, start, offered, onRenew }) {
  const { preview, isCreating, createError, dismissError } = currentPreview;
  const { problem } = start;
  const renew = () => onRenew({ refresh: false });
  const isUnsaved = useDrafts(hasUnsavedChanges);
  return (
    <>
      {problem && !offered && (
        <Banner tone="danger" role="alert" onDismiss={start.dismiss}>
          <p>{problem.sentence}</p>
          {problem.needsRefresh && <NewPreviewButton onClick={renew} />}
        </Banner>
      )}
      {createError && createError.code !== 'no_companies' && !isCreating && (
        <Banner tone="danger" role="alert" onDismiss={dismissError}>
          <p>{changeError(previewChanges.create, createError)}</p>
          <button type="button" className="button pa-action" onClick={() => onRenew()}>
            Try again
          </button>
        </Banner>
      )}
      <div role="status" className="pa-alerts">
        {preview && !preview.is_current && !isCreating && !problem?.needsRefresh && (
          <Banner tone="warning">
            <p>{previewMessages.outdated}</p>
            <NewPreviewButton onClick={renew} />
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

/** @param {{onClick: () => void}} props */
function NewPreviewButton({ onClick }) {
  return (
    <button type="button" className="button pa-action" onClick={onClick}>
      Make a new preview
    </button>
  );
}
