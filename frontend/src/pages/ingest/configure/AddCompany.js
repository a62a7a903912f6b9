import { useRef, useState } from 'react';
import { useDetect } from '../../../api/sources.js';
import { asAddress } from '../../../lib/detecting.js';
import { useDraftStore, useDrafts } from '../../../lib/draftStore.js';
import { NO_DRAFTS } from '../../../lib/drafts.js';
import { isolated } from '../../../lib/format.js';
import DetectTrouble from './DetectTrouble.js';
import FoundCompany from './FoundCompany.js';
import WhereForm from './WhereForm.js';
import './AddCompany.css';

const addingOf = (drafts) => drafts.adding;

/**
 * Adds a company: it is looked for, shown, and saved when one says so.
 * @param {{sources: import('../../../api/sources.js').Source[],
 *   companies: import('../../../api/companies.js').Company[]}} props
 */
export default function AddCompany({ sources, companies }) {
  const adding = useDrafts(addingOf);
  const { change } = useDraftStore();
  const [said, setSaid] = useState('');
  const { looking, wanted, error, isFresh, look, cancel, forget } = useLooking();
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  function type(changes) {
    change((drafts) => ({ ...drafts, adding: { ...drafts.adding, ...changes } }));
  }
  function begin(where) {
    setSaid('');
    look(where);
  }
  /** The buttons to choose from go, and the focus with them. */
  function choose(where) {
    begin(where);
    field.current?.focus();
  }
  /** @param {string} words */
  function end(words) {
    forget();
    change((drafts) => ({ ...drafts, adding: NO_DRAFTS.adding }));
    setSaid(words);
    field.current?.focus();
  }
  return (
    <section className="panel ad-section" aria-labelledby="ad-title">
      <h2 id="ad-title">Add a company</h2>
      <WhereForm
        adding={adding}
        sources={sources}
        looking={looking}
        field={field}
        onType={type}
        onLook={begin}
      />
      <div role="status" className="ad-news">
        {looking && (
          <p className="ad-looking">
            Looking at {'board' in wanted ? `the board ${isolated(wanted.board)}` : 'the board'} … This can
            take up to a minute.
          </p>
        )}
        {!looking && said && <p>{said}</p>}
      </div>
      {looking && (
        <button
          type="button"
          className="button ad-cancel"
          onClick={() => {
            cancel();
            field.current?.focus();
          }}
        >
          Cancel
        </button>
      )}
      {!looking && error && <DetectTrouble error={error} onChoose={choose} onDismiss={forget} />}
      {!looking && adding.found && (
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

/** Looks at a board; what is found becomes a draft, even if one is elsewhere by then. */
function useLooking() {
  const { get, change } = useDraftStore();
  const controller = useRef(/** @type {AbortController | null} */ (null));
  const isUnderWay = useRef(false);
  const detect = useDetect((found) =>
    change((drafts) => ({ ...drafts, adding: { ...drafts.adding, found, name: found.name ?? found.board } })),
  );
  return {
    looking: detect.isPending,
    wanted: detect.variables?.wanted ?? { url: '' },
    error: detect.error,
    isFresh: detect.isSuccess,
    forget: detect.reset,
    cancel: () => {
      controller.current?.abort();
      isUnderWay.current = false;
      detect.reset();
    },
    /** @param {import('../../../api/sources.js').Wanted} where */
    look: (where) => {
      if (isUnderWay.current) {
        return;
      }
      isUnderWay.current = true;
      controller.current = new AbortController();
      const { signal } = controller.current;
      const wanted = 'url' in where ? { url: asAddress(where.url) } : where;
      if (get().adding.found) {
        change((drafts) => ({ ...drafts, adding: { ...drafts.adding, found: null, name: '' } }));
      }
      detect.mutate(
        { wanted, signal },
        {
          onSettled: () => {
            isUnderWay.current = false;
          },
        },
      );
    },
  };
}
