import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import ActionBar from '../../../components/ActionBar.js';
import ConfirmDialog from '../../../components/ConfirmDialog.js';
import { useDraftStore } from '../../../lib/draftStore.js';
import { unsaved } from '../../../lib/drafts.js';
import { paths } from '../../../lib/paths.js';

/** Next, with a question before it while something is not saved. */
export default function NextBar() {
  const store = useDraftStore();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(/** @type {string[]} */ ([]));
  /** @param {import('react').MouseEvent} event */
  function ask(event) {
    const drafts = unsaved(store.get());
    if (drafts.length > 0) {
      event.preventDefault();
      setAsking(drafts);
    }
  }
  return (
    <ActionBar>
      <Link className="button button--primary" to={paths.preview} onClick={ask}>
        Next
      </Link>
      {asking.length > 0 && (
        <ConfirmDialog
          title="Go on without what is not saved?"
          confirm="Go on without them"
          cancel="Keep editing"
          tone="primary"
          onConfirm={() => navigate(paths.preview)}
          onCancel={() => setAsking([])}
        >
          Not saved: {shortList(asking)}. They are kept here, and are not part of the preview.
        </ConfirmDialog>
      )}
    </ActionBar>
  );
}

/** @param {string[]} words */
function shortList(words) {
  return words.length > 5 ? `${words.slice(0, 4).join(', ')} and ${words.length - 4} more` : words.join(', ');
}
