import { useEffect, useRef, useState } from 'react';
import { useAddCompany } from '../../../api/companies.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { withoutRemoved } from '../../../lib/drafts.js';
import { isolated } from '../../../lib/format.js';
import './RemovedBar.css';

/** @typedef {import('../../../lib/drafts.js').Removed} Removed */

const removedOf = (drafts) => drafts.removed;

/**
 * The companies that were just removed, each with a way back.
 * @param {{onBack: (companyId?: number) => void}} props what gives the focus to the company that is back
 */
export default function RemovedBar({ onBack }) {
  const removed = useDrafts(removedOf);
  const bar = useRef(/** @type {HTMLDivElement | null} */ (null));
  const count = useRef(removed.length);
  useEffect(() => {
    const [last] = removed;
    // The row is gone, or about to go, and with it the button that has the focus.
    const { activeElement: focused, body } = document;
    const isLost = focused === body || focused?.closest(`#company-${last?.company.company_id}`);
    if (last && isLost && count.current !== removed.length) {
      bar.current?.querySelector('button')?.focus();
    }
    count.current = removed.length;
  }, [removed]);
  return (
    <div role="status" className="rb-bar" ref={bar}>
      {removed.map((entry) => (
        <Entry key={entry.company.company_id} entry={entry} onBack={onBack} />
      ))}
    </div>
  );
}

/** @param {{entry: Removed, onBack: (companyId?: number) => void}} props */
function Entry({ entry, onBack }) {
  const { change } = useDraftStore();
  const [problem, setProblem] = useState('');
  const { name, source, board, enabled, include, exclude } = entry.company;
  const add = useAddCompany(({ company_id: id }) => {
    change((drafts) => withoutRemoved(drafts, entry, id));
    onBack(id);
  });
  function undo() {
    if (!add.isPending) {
      add.mutate(
        { source, board, name, enabled, include, exclude },
        {
          onError: ({ code, message }) =>
            setProblem(
              code === 'company_exists' ? 'It is in your list already.' : `It is not back. ${message}`,
            ),
        },
      );
    }
  }
  function forget() {
    change((drafts) => withoutRemoved(drafts, entry));
    onBack();
  }
  return (
    <p className="rb-entry">
      <span>
        {isolated(name)} was removed. {problem}
      </span>
      <button
        type="button"
        className="button"
        aria-label={`Undo the removal of ${name}`}
        aria-disabled={add.isPending}
        onClick={undo}
      >
        {add.isPending ? 'Bringing it back …' : 'Undo'}
      </button>
      <button type="button" className="button" aria-label={`Dismiss: ${name} was removed`} onClick={forget}>
        <span aria-hidden="true">×</span>
      </button>
    </p>
  );
}
