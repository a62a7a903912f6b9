import { useState } from 'react';
import Field from '../../../components/Field.js';
import { switchedOffMessage } from '../../../messages/boards.js';
import './FindBoardForm.css';

/**
 * The forms that find a board: by the address of a careers page, or by source and board.
 * @param {{adding: import('../../../lib/drafts.js').Adding,
 *   sources: import('../../../api/sources.js').Source[], isPending: boolean,
 *   field: import('react').Ref<HTMLInputElement>, onType: (changes: object) => void,
 *   onFind: (query: import('../../../api/sources.js').BoardQuery) => void}} props
 */
export default function FindBoardForm({ adding, sources, isPending, field, onType, onFind }) {
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault();
    onFind({ url: adding.url });
  }
  // Only the initial state: afterwards the user opens and closes it.
  const [initiallyOpen] = useState(Boolean(adding.source || adding.board));
  const example = sources[0]?.example;
  return (
    <>
      <form className="fb-form" onSubmit={submit}>
        <Field
          label="Careers page address"
          hint={example && `For example ${example}`}
          name="url"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          required
          ref={field}
          value={adding.url}
          onChange={({ target }) => onType({ url: target.value })}
        />
        <button type="submit" className="button button--primary" aria-disabled={isPending}>
          Find board
        </button>
      </form>
      <details className="fb-details" open={initiallyOpen}>
        <summary>Choose the job board system yourself</summary>
        <SourceAndBoardForm
          adding={adding}
          sources={sources}
          isPending={isPending}
          onType={onType}
          onFind={onFind}
        />
      </details>
    </>
  );
}

/** @param {Omit<Parameters<typeof FindBoardForm>[0], 'field'>} props */
function SourceAndBoardForm({ adding, sources, isPending, onType, onFind }) {
  const source = sources.find(({ key }) => key === adding.source) ?? sources[0];
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault();
    if (source) {
      onFind({ source: source.key, board: adding.board.trim() });
    }
  }
  return (
    <form className="fb-form" onSubmit={submit}>
      <label className="fb-source">
        <span>Job board system</span>
        <select value={source?.key ?? ''} onChange={({ target }) => onType({ source: target.value })}>
          {sources.map(({ key, name }) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Field
        label="Board"
        hint={source?.board_hint}
        name="board"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        maxLength={200}
        value={adding.board}
        onChange={({ target }) => onType({ board: target.value })}
      />
      <button type="submit" className="button" aria-disabled={isPending}>
        Check this board
      </button>
      <p role="status" className="fb-off">
        {source && !source.is_on && switchedOffMessage(source.name)}
      </p>
      {source && (
        <p className="quiet fb-policy">
          {source.policy}{' '}
          <a href={source.documentation} target="_blank" rel="noreferrer">
            About {source.name}
          </a>
        </p>
      )}
    </form>
  );
}
