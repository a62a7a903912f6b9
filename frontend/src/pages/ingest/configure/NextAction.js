import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import ActionBar from '../../../components/ActionBar.js';
import ConfirmDialog from '../../../components/ConfirmDialog.js';
import { useDraftStore } from '../../../lib/draftStore.js';
import { unsavedChanges } from '../../../lib/drafts.js';
import { paths } from '../../../lib/paths.js';
import { unsavedMessages } from '../../../messages/companies.js';

/** The link to the preview, with a question before it while something is unsaved. */
export default function NextAction() {
  const store = useDraftStore();
  const navigate = useNavigate();
  const [unsaved, setUnsaved] = useState(/** @type {string[]} */ ([]));
  /** @param {import('react').MouseEvent} event */
  function ask(event) {
    const changes = unsavedChanges(store.get());
    if (changes.length > 0) {
      event.preventDefault();
      setUnsaved(changes);
    }
  }
  return (
    <ActionBar>
      <Link className="button button--primary" to={paths.preview} onClick={ask}>
        Preview postings
      </Link>
      {unsaved.length > 0 && (
        <ConfirmDialog
          title={unsavedMessages.title}
          confirm={unsavedMessages.confirm}
          cancel={unsavedMessages.cancel}
          tone="primary"
          onConfirm={() => navigate(paths.preview)}
          onCancel={() => setUnsaved([])}
        >
          {unsavedMessages.text(unsaved)}
        </ConfirmDialog>
      )}
    </ActionBar>
  );
}
