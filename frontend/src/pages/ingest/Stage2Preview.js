import './Stage2Preview.css';

/** Stage 2: what the run would take in. */
export default function Stage2Preview() {
  return (
    <section className="panel s2-panel" aria-label="Preview">
      <p>The preview lists the postings that a run would take in.</p>
      <p className="quiet">
        Without companies the list is empty. Starting makes a run all the same: it is handed to a worker, can
        be watched from any tab or device, and can be aborted at any time.
      </p>
    </section>
  );
}
