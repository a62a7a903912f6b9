import { useEffect, useState } from 'react';
import { createDraftStore, DraftContext, useDrafts } from '../lib/draftStore.js';
import { hasUnsavedChanges } from '../lib/drafts.js';

/**
 * Provides one user's drafts to all pages, and warns before the tab is closed while something is unsaved.
 * @param {{userId: number, children: import('react').ReactNode}} props
 */
export default function DraftProvider({ userId, children }) {
  const [store] = useState(() => createDraftStore(userId));
  return (
    <DraftContext value={store}>
      <UnsavedWarning />
      {children}
    </DraftContext>
  );
}

function UnsavedWarning() {
  const isUnsaved = useDrafts(hasUnsavedChanges);
  useEffect(() => {
    if (!isUnsaved) {
      return;
    }
    const warn = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isUnsaved]);
  return null;
}
