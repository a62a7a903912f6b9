import { Link, useSearchParams } from 'react-router';
import { isMissing } from '../../api/client.js';
import { useJob } from '../../api/jobs.js';
import Banner from '../../components/Banner.js';
import { withoutHeading } from '../../lib/job.js';
import { safeLink } from '../../lib/posting.js';
import { connectionMessage } from '../../messages/errors.js';
import { jobMessages } from '../../messages/jobs.js';
import JobFacts from './JobFacts.js';
import JobHistory from './JobHistory.js';
import './JobPanel.css';

/**
 * The chosen job: its facts, text and history. The heading is rendered before the job is loaded, because it receives
 * the focus.
 * @param {{jobId: string}} props
 */
export default function JobPanel({ jobId }) {
  const { job, error } = useJob(jobId);
  const missing = isMissing(error);
  const title = job ? (job.title ?? jobMessages.untitled) : missing ? 'There is no such job' : 'Loading …';
  return (
    <section className="jo-panel" aria-labelledby="job-title">
      <div className="jo-head">
        <h2 id="job-title" className="jo-title" tabIndex={-1} dir="auto">
          {title}
        </h2>
        <CloseLink />
      </div>
      <div role="status" className="jo-status">
        {missing && <p>{jobMessages.missing}</p>}
        {error && !missing && <Banner tone="warning">{connectionMessage(error).sentence}</Banner>}
      </div>
      {job && !missing && <JobBody job={job} />}
    </section>
  );
}

function CloseLink() {
  const [search] = useSearchParams();
  const list = new URLSearchParams(search);
  list.delete('job');
  return (
    <Link className="button jo-close" to={`?${list}`}>
      Close
    </Link>
  );
}

/** @param {{job: import('../../api/jobs.js').WholeJob}} props */
function JobBody({ job }) {
  const address = safeLink(job.url);
  return (
    <>
      <JobFacts job={job} />
      {address ? (
        <p>
          <a className="button button--primary" href={address} target="_blank" rel="noreferrer">
            {jobMessages.open}
          </a>
        </p>
      ) : (
        <p className="quiet">{jobMessages.noAddress}</p>
      )}
      <JobText job={job} />
      <JobHistory history={job.history} />
    </>
  );
}

/** @param {{job: import('../../api/jobs.js').WholeJob}} props */
function JobText({ job: { description, requirements, text } }) {
  if (!description && !requirements) {
    return <p className="quiet">{text === 'pending' ? jobMessages.textPending : jobMessages.noText}</p>;
  }
  return (
    <>
      {description && <Paragraphs name="Description" text={description} />}
      {requirements && <Paragraphs name="Requirements" text={requirements} />}
    </>
  );
}

/** Plain text with its own paragraphs. @param {{name: string, text: string}} props */
function Paragraphs({ name, text }) {
  return (
    <div className="jo-text">
      <h3 className="jo-name">{name}</h3>
      <p className="jo-plain" dir="auto">
        {withoutHeading(text, name)}
      </p>
    </div>
  );
}
