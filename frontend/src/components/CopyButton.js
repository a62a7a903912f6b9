import { useEffect, useState } from 'react';
import './CopyButton.css';

/** How long it is said; then a second copy can be told again. */
const SAID_MS = 4000;

/**
 * Copies a text to the clipboard and says whether that worked.
 * @param {{text: string, label: string}} props
 */
export default function CopyButton({ text, label }) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    const timer = said ? setTimeout(() => setSaid(''), SAID_MS) : undefined;
    return () => clearTimeout(timer);
  }, [said]);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      // Without TLS, or with permission refused, a page has no clipboard.
      setSaid('Not allowed here');
    }
  }
  return (
    <span className="cb-copy">
      <button type="button" className="cb-button" onClick={copy} aria-label={label}>
        Copy
      </button>
      <span role="status" className="cb-said">
        {said}
      </span>
    </span>
  );
}
