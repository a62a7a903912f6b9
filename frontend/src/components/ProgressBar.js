import './ProgressBar.css';

/**
 * A bar of a known total, in parts one after the other.
 * @param {{label: string, total: number, text: string, parts: {tone: 'done' | 'bad' | 'work', count: number}[]}} props
 *   `text` is the value in words
 */
export default function ProgressBar({ label, total, text, parts }) {
  const starts = parts.map((_part, index) =>
    parts.slice(0, index).reduce((sum, { count }) => sum + count, 0),
  );
  const done = parts.reduce((sum, { tone, count }) => (tone === 'work' ? sum : sum + count), 0);
  return (
    <div
      className="pg-bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={Math.min(done, total)}
      aria-valuetext={text}
    >
      <svg className="pg-parts" viewBox={`0 0 ${total} 1`} preserveAspectRatio="none" aria-hidden="true">
        {parts.map(({ tone, count }, index) => (
          <rect key={tone} className={`pg-part--${tone}`} x={starts[index]} width={count} height="1" />
        ))}
      </svg>
    </div>
  );
}
