import { useEffect, useState } from 'react';
import './SearchField.css';

const PAUSE_MS = 300;

/**
 * A search over the postings of all companies; asked when one has stopped typing.
 * @param {{onSearch: (search: string) => void}} props
 */
export default function SearchField({ onSearch }) {
  const [typed, setTyped] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => onSearch(typed.trim()), typed ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [typed, onSearch]);
  return (
    <label className="sf-search">
      <span>Search all postings</span>
      <input type="search" maxLength={100} value={typed} onChange={({ target }) => setTyped(target.value)} />
    </label>
  );
}
