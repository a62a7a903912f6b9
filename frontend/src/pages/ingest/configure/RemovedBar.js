import { useEffect, useRef, useState } from 'react';
import { useAddCompany } from '../../../api/companies.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { withoutRemoved } from '../../../lib/drafts.js';
import { companyChanges, listMessages } from '../../../messages/companies.js';
import { changeError } from '../../../messages/errors.js';
import './RemovedBar.css';

/** @typedef {import('../../../lib/drafts.js').Removed} Removed */

const selectRemoved = (drafts) => drafts.removed;

/**
 * The companies removed last, each with an Undo button.
 * @param {{onDone: (companyId?: number) => void}} props called to move the focus, with the id of a restored company
 */
export default function RemovedBar({ onDone }) {
  const removed = useDrafts(selectRemoved);
  const bar = useRef(/** @type {HTMLDivElement | null} */ (null));
  const count = useRef(removed.length);
  useEffect(() => {
    const [last] = removed;
    // The removed row contains the button that has the focus.
    const { activeElement: focused, body } = document;
    const isFocusLost = focused === body || focused?.closest(`#company-${last?.company.company_id}`);
    if (last && isFocusLost && count.current !== removed.length) {
      bar.current?.querySelector('button')?.focus();
    }
    count.current = removed.length;
  }, [removed]);
  return (
    <div role="status" className="rb-bar" ref={bar}>
      {removed.map((entry) => (
        <RemovedCompany key={entry.company.company_id} entry={entry} onDone={onDone} />
      ))}
    </div>
  );
}

/** @param {{entry: Removed, onDone: (companyId?: number) => void}} props */
function RemovedCompany({ entry, onDone }) {
  const { update } = useDraftStore();
  const [problem, setProblem] = useState('');
  const { name, source, board, enabled, include, exclude } = entry.company;
  const add = useAddCompany(({ company_id: id }) => {
    update((drafts) => withoutRemoved(drafts, entry, id));
    onDone(id);
  });
  function undo() {
    if (!add.isPending) {
      add.mutate(
        { source, board, name, enabled, include, exclude },
        {
          onError: (error) =>
            setProblem(
              error.code === 'company_exists'
                ? listMessages.alreadyInList
                : changeError(companyChanges.restore, error),
            ),
        },
      );
    }
  }
  function dismiss() {
    update((drafts) => withoutRemoved(drafts, entry));
    onDone();
  }
  return (
    <p className="rb-entry">
      <span>
        {listMessages.removed(name)} {problem}
      </span>
      <button
        type="button"
        className="button"
        aria-label={`Undo the removal of ${name}`}
        aria-disabled={add.isPending}
        onClick={undo}
      >
        {add.isPending ? listMessages.restoring : 'Undo'}
      </button>
      <button type="button" className="button" aria-label={`Dismiss: ${name} was removed`} onClick={dismiss}>
        <span aria-hidden="true">×</span>
      </button>
    </p>
  );
}
