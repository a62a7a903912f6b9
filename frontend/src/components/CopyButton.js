import { useEffect, useState } from 'react';
import './CopyButton.css';

/** The message is cleared after this, so that the next copy is announced again. */
const MESSAGE_DURATION_MS = 6000;

/**
 * A button that copies a text to the clipboard and reports the result.
 * @param {{text: string, label: string}} props
 */
export default function CopyButton({ text, label }) {
  const [message, setMessage] = useState('');
  useEffect(() => {
    const timer = message ? setTimeout(() => setMessage(''), MESSAGE_DURATION_MS) : undefined;
    return () => clearTimeout(timer);
  }, [message]);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setMessage('Copied');
    } catch {
      // Browsers offer no clipboard without https, or if the user forbids it.
      setMessage('Your browser did not allow copying. Select the text and copy it.');
    }
  }
  return (
    <span className="cb-copy">
      <button type="button" className="cb-button" onClick={copy} aria-label={label}>
        Copy
      </button>
      <span role="status" className="cb-message">
        {message}
      </span>
    </span>
  );
}
