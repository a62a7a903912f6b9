import { useEffect, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { focusHeading } from '../../lib/focusHeading.js';
import { JOB_STATES, jobMessages } from '../../messages/jobs.js';
import './JobFilters.css';

const DEBOUNCE_MS = 300;

/**
 * The search of titles and the filters. They are part of the address; a change begins at the first page.
 * @param {{filter: import('../../api/jobs.js').JobFilter}} props
 */
export default function JobFilters({ filter }) {
  const [, setSearch] = useSearchParams();
  /** @param {'q' | 'state' | 'run'} name @param {string} value */
  function change(name, value) {
    setSearch(
      (current) => {
        const next = new URLSearchParams(current);
        next.delete('after');
        next.delete('job');
        next.delete(name);
        if (value) {
          next.set(name, value);
        }
        return next;
      },
      { replace: name === 'q' },
    );
  }
  function showAllRuns() {
    change('run', '');
    // The button is removed.
    focusHeading();
  }
  return (
    <div className="jf-filters">
      <TitleSearch q={filter.q ?? ''} onSearch={(q) => change('q', q)} />
      <label className="jf-field">
        State
        <select value={filter.state ?? ''} onChange={({ target }) => change('state', target.value)}>
          <option value="">All</option>
          {Object.entries(JOB_STATES).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {filter.run && (
        <p className="jf-run">
          {jobMessages.ofRun(filter.run)}{' '}
          <button type="button" className="button" onClick={showAllRuns}>
            Show all runs
          </button>
        </p>
      )}
    </div>
  );
}

/**
 * A search field that changes the address when the user stops typing.
 * @param {{q: string, onSearch: (q: string) => void}} props
 */
function TitleSearch({ q, onSearch }) {
  const [typed, setTyped] = useState(q);
  const sent = useRef(q);
  const latest = useRef(onSearch);
  useEffect(() => {
    latest.current = onSearch;
  });
  useEffect(() => {
    // The address changed by a link or by Back.
    if (q !== sent.current) {
      sent.current = q;
      setTyped(q);
    }
  }, [q]);
  useEffect(() => {
    const wanted = typed.trim();
    const timer = setTimeout(() => {
      if (wanted !== sent.current) {
        sent.current = wanted;
        latest.current(wanted);
      }
    }, DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <label className="jf-field jf-search">
      Search titles
      <input type="search" maxLength={100} value={typed} onChange={({ target }) => setTyped(target.value)} />
    </label>
  );
}
