import { Link } from 'react-router';
import { formatMoment } from '../../lib/format.js';
import { formatPay, formatPlace, formatPosted } from '../../lib/job.js';
import { paths } from '../../lib/paths.js';
import { useNow } from '../../lib/useNow.js';
import { boardWord, jobAge, jobStatus } from '../../messages/jobs.js';
import './JobFacts.css';

/**
 * The facts of a job. Its status is what the user's runs found; the board's word now stands apart from it.
 * @param {{job: import('../../api/jobs.js').WholeJob}} props
 */
export default function JobFacts({ job }) {
  const now = useNow(true, 60);
  const word = boardWord(job, now);
  return (
    <>
      <dl className="jk-facts">
        <Fact name="Company">{job.company_name ?? job.company}</Fact>
        <Fact name="Place">{formatPlace(job)}</Fact>
        <Fact name="Employment">{job.employment_type}</Fact>
        <Fact name="Pay">{formatPay(job.salary)}</Fact>
        <Fact name="Posted">{job.posted_on && formatPosted(job.posted_on)}</Fact>
        {job.found_at && (
          <div>
            <dt>Found</dt>
            <dd>
              <time dateTime={job.found_at} title={formatMoment(job.found_at)}>
                {jobAge(job, now)}
              </time>
            </dd>
          </div>
        )}
        <Fact name="Status">{jobStatus(job, now)}</Fact>
        {job.run_id && (
          <div>
            <dt>Last change</dt>
            <dd>
              <Link to={paths.run(job.run_id)}>Run {job.run_id}</Link>
            </dd>
          </div>
        )}
      </dl>
      {word && <p className="jk-word">{word}</p>}
    </>
  );
}

/** A fact; nothing if it is not known. @param {{name: string, children: string | null}} props */
function Fact({ name, children }) {
  return (
    children && (
      <div>
        <dt>{name}</dt>
        <dd>
          <bdi>{children}</bdi>
        </dd>
      </div>
    )
  );
}
