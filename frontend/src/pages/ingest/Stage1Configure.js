import './Stage1Configure.css';

/** Stage 1: what a run is to take in. */
export default function Stage1Configure() {
  return (
    <section className="panel s1-panel" aria-label="Configure">
      <p>Configuring a run means choosing the companies whose postings it takes in.</p>
      <p className="quiet">
        This version has no companies to choose from, so there is nothing to fill in: go on to the preview.
      </p>
    </section>
  );
}
