import { useRef, useState } from 'react';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { NO_DRAFTS } from '../../../lib/drafts.js';
import { addMessages } from '../../../messages/companies.js';
import DetectionError from './DetectionError.js';
import FindBoardForm from './FindBoardForm.js';
import FoundCompany from './FoundCompany.js';
import { useDetectBoard } from './useDetectBoard.js';
import './AddCompany.css';

const selectAdding = (drafts) => drafts.adding;

/**
 * Adds a company: finds its board, shows it, and saves it when the user confirms.
 * @param {{sources: import('../../../api/sources.js').Source[],
 *   companies: import('../../../api/companies.js').Company[]}} props
 */
export default function AddCompany({ sources, companies }) {
  const adding = useDrafts(selectAdding);
  const { update } = useDraftStore();
  const [message, setMessage] = useState('');
  const { isPending, query, error, isFresh, detect, cancel, reset } = useDetectBoard();
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  function type(changes) {
    update((drafts) => ({ ...drafts, adding: { ...drafts.adding, ...changes } }));
  }
  function find(boardQuery) {
    setMessage('');
    detect(boardQuery);
  }
  /** The buttons of the candidates are removed, and one of them has the focus. */
  function choose(candidate) {
    find(candidate);
    field.current?.focus();
  }
  /** @param {string} result */
  function end(result) {
    reset();
    update((drafts) => ({ ...drafts, adding: NO_DRAFTS.adding }));
    setMessage(result);
    field.current?.focus();
  }
  return (
    <section className="panel ac-section" aria-labelledby="ac-title">
      <h2 id="ac-title">Add a company</h2>
      <FindBoardForm
        adding={adding}
        sources={sources}
        isPending={isPending}
        field={field}
        onType={type}
        onFind={find}
      />
      <div role="status" className="ac-alerts">
        {isPending && (
          <p className="ac-looking">
            {addMessages.looking('board' in query ? query.board : undefined)} {addMessages.slow}
          </p>
        )}
        {!isPending && message && <p>{message}</p>}
      </div>
      {isPending && (
        <button
          type="button"
          className="button ac-cancel"
          onClick={() => {
            cancel();
            field.current?.focus();
          }}
        >
          Cancel
        </button>
      )}
      {!isPending && error && <DetectionError error={error} onChoose={choose} onDismiss={reset} />}
      {!isPending && adding.found && (
        <FoundCompany
          key={`${adding.found.source}:${adding.found.board}`}
          found={adding.found}
          name={adding.name}
          companies={companies}
          isFresh={isFresh}
          onName={(name) => type({ name })}
          onEnd={end}
        />
      )}
    </section>
  );
}
