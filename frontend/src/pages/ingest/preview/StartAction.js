import { useId, useState } from 'react';
import { Link } from 'react-router';
import ActionBar from '../../../components/ActionBar.js';
import ConfirmDialog from '../../../components/ConfirmDialog.js';
import { paths } from '../../../lib/paths.js';
import { startBlocker, startHint, startMessages, startQuestion } from '../../../messages/start.js';
import './StartAction.css';

/** @typedef {import('../../../api/previews.js').Preview} Preview */

/**
 * The Back link, and the Start button with its confirmation.
 * @param {{preview: Preview | undefined, start: ReturnType<typeof import('../useStart.js').useStart>}} props
 */
export default function StartAction({ preview, start }) {
  // The preview in the question is the one that is started, even if a poll brings another one.
  const [asked, setAsked] = useState(/** @type {Preview | null} */ (null));
  const blocker = startBlocker(preview);
  const hint = blocker ?? (preview ? startHint(preview) : '');
  const id = useId();
  const { title, text } = asked ? startQuestion(asked) : { title: '', text: '' };
  return (
    <ActionBar>
      <Link className="button" to={paths.configure} onClick={start.dismiss}>
        Back
      </Link>
      <button
        type="button"
        className="button button--primary"
        aria-disabled={start.isPending || blocker !== null}
        aria-describedby={hint ? id : undefined}
        onClick={() => !start.isPending && !blocker && preview && setAsked(preview)}
      >
        {start.isPending ? 'Starting …' : 'Start ingestion'}
      </button>
      {hint && (
        <p id={id} className="quiet sa-reason">
          {hint}
        </p>
      )}
      {asked && (
        <ConfirmDialog
          title={title}
          confirm={startMessages.confirm}
          cancel={startMessages.cancel}
          tone="primary"
          onConfirm={() => {
            start.begin(asked.preview_id);
            setAsked(null);
          }}
          onCancel={() => setAsked(null)}
        >
          {text}
        </ConfirmDialog>
      )}
    </ActionBar>
  );
}
