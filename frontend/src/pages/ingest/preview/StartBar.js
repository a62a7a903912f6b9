import { useId, useState } from 'react';
import { Link } from 'react-router';
import ActionBar from '../../../components/ActionBar.js';
import ConfirmDialog from '../../../components/ConfirmDialog.js';
import { paths } from '../../../lib/paths.js';
import { question, whyNot } from '../../../lib/starting.js';
import './StartBar.css';

/** @typedef {import('../../../api/previews.js').Preview} Preview */

/**
 * Back, and the start of a run, with a question before it.
 * @param {{preview: Preview | undefined, start: ReturnType<typeof import('../useStart.js').useStart>}} props
 */
export default function StartBar({ preview, start }) {
  // What was asked stays what is answered, whatever a poll brings meanwhile.
  const [asked, setAsked] = useState(/** @type {Preview | null} */ (null));
  const reason = whyNot(preview);
  const id = useId();
  const { title, text } = asked ? question(asked) : { title: '', text: '' };
  return (
    <ActionBar>
      <Link className="button" to={paths.configure} onClick={start.dismiss}>
        Back
      </Link>
      <button
        type="button"
        className="button button--primary"
        aria-disabled={start.isUnderWay || reason !== null}
        aria-describedby={reason ? id : undefined}
        onClick={() => !start.isUnderWay && !reason && preview && setAsked(preview)}
      >
        {start.isUnderWay ? 'Starting …' : 'Start ingestion'}
      </button>
      {reason && (
        <p id={id} className="quiet bs-reason">
          {reason}
        </p>
      )}
      {asked && (
        <ConfirmDialog
          title={title}
          confirm="Start"
          cancel="Not yet"
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
