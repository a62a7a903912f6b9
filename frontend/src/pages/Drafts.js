import { useEffect, useState } from 'react';
import { DraftContext, makeDraftStore, useDrafts } from '../lib/draftStore.js';
import { unsaved } from '../lib/drafts.js';

/**
 * Keeps what one user typed and did not save, whatever page is shown, and warns before the tab is closed over it.
 * @param {{userId: number, children: import('react').ReactNode}} props
 */
export default function Drafts({ userId, children }) {
  const [store] = useState(() => makeDraftStore(userId));
  return (
    <DraftContext value={store}>
      <Warning />
      {children}
    </DraftContext>
  );
}

const isAnyUnsaved = (drafts) => unsaved(drafts).length > 0;

function Warning() {
  const isAny = useDrafts(isAnyUnsaved);
  useEffect(() => {
    if (!isAny) {
      return;
    }
    const warn = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isAny]);
  return null;
}
