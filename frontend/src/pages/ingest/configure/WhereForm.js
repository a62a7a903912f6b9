import { useState } from 'react';
import Field from '../../../components/Field.js';
import './WhereForm.css';

/**
 * Where a company's postings are: the address of its careers page, or a system and a board there.
 * @param {{adding: import('../../../lib/drafts.js').Adding,
 *   sources: import('../../../api/sources.js').Source[], looking: boolean,
 *   field: import('react').Ref<HTMLInputElement>, onType: (changes: object) => void,
 *   onLook: (where: import('../../../api/sources.js').Wanted) => void}} props
 */
export default function WhereForm({ adding, sources, looking, field, onType, onLook }) {
  /** @param {import('react').FormEvent} event */
  function byAddress(event) {
    event.preventDefault();
    onLook({ url: adding.url });
  }
  // Only how it begins: from then on it is opened and closed by hand.
  const [initially] = useState(Boolean(adding.source || adding.board));
  const example = sources[0]?.example;
  return (
    <>
      <form className="wf-form" onSubmit={byAddress}>
        <Field
          label="Address of its careers page"
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
        <button type="submit" className="button button--primary" aria-disabled={looking}>
          Find it
        </button>
      </form>
      <details className="wf-details" open={initially}>
        <summary>Choose the system and the board yourself</summary>
        <ByBoard adding={adding} sources={sources} looking={looking} onType={onType} onLook={onLook} />
      </details>
    </>
  );
}

/** @param {Omit<Parameters<typeof WhereForm>[0], 'field'>} props */
function ByBoard({ adding, sources, looking, onType, onLook }) {
  const source = sources.find(({ key }) => key === adding.source) ?? sources[0];
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault();
    if (source) {
      onLook({ source: source.key, board: adding.board.trim() });
    }
  }
  return (
    <form className="wf-form" onSubmit={submit}>
      <label className="wf-system">
        <span>System</span>
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
      <button type="submit" className="button" aria-disabled={looking}>
        Find this board
      </button>
      {source && (
        <p className="quiet wf-policy">
          {source.policy}{' '}
          <a href={source.documentation} target="_blank" rel="noreferrer">
            About {source.name}
          </a>
        </p>
      )}
    </form>
  );
}
