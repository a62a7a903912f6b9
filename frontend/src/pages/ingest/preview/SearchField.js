import { useEffect, useState } from 'react';
import './SearchField.css';

const DEBOUNCE_MS = 300;

/**
 * A search field for the postings of all companies. It reports the search when the user stops typing.
 * @param {{onSearch: (search: string) => void}} props
 */
export default function SearchField({ onSearch }) {
  const [typed, setTyped] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => onSearch(typed.trim()), typed ? DEBOUNCE_MS : 0);
    return () => clearTimeout(timer);
  }, [typed, onSearch]);
  return (
    <label className="sf-search">
      <span>Search all postings</span>
      <input type="search" maxLength={100} value={typed} onChange={({ target }) => setTyped(target.value)} />
    </label>
  );
}
