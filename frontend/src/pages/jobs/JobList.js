import { Link, useSearchParams } from 'react-router';
import { formatMoment } from '../../lib/format.js';
import { formatPlace } from '../../lib/job.js';
import { paths } from '../../lib/paths.js';
import { useNow } from '../../lib/useNow.js';
import { jobAge, jobMessages, jobRemark } from '../../messages/jobs.js';
import './JobList.css';

/** @typedef {import('../../api/jobs.js').Job} Job */

/**
 * A page of jobs, each as a link that shows it beside the list.
 * @param {{page: {jobs: Job[], next: string | null}, isStale: boolean, chosen: string | null}} props
 */
export default function JobList({ page, isStale, chosen }) {
  const [search] = useSearchParams();
  const now = useNow(true, 60);
  if (page.jobs.length === 0) {
    return <NoJobs search={search} />;
  }
  return (
    <>
      <ul className="jl-list" aria-busy={isStale}>
        {page.jobs.map((job) => (
          <JobRow
            key={job.job_id}
            job={job}
            now={now}
            to={address(search, 'job', String(job.job_id))}
            isChosen={chosen === String(job.job_id)}
          />
        ))}
      </ul>
      <nav aria-label="Pages" className="jl-pages">
        {search.get('after') && <Link to={address(search, 'after', '')}>Newest</Link>}
        {page.next && <Link to={address(search, 'after', page.next)}>Older</Link>}
      </nav>
    </>
  );
}

/**
 * The present address with one parameter changed. Another page closes the chosen job.
 * @param {URLSearchParams} search
 * @param {'job' | 'after'} name
 * @param {string} value empty to remove it
 */
function address(search, name, value) {
  const next = new URLSearchParams(search);
  next.delete('job');
  next.delete(name);
  if (value) {
    next.set(name, value);
  }
  return `?${next}`;
}

/** @param {{search: URLSearchParams}} props */
function NoJobs({ search }) {
  if (search.get('after')) {
    return (
      <p>
        {jobMessages.noOlder} <Link to={address(search, 'after', '')}>Newest</Link>
      </p>
    );
  }
  if (['q', 'state', 'run'].some((name) => search.get(name))) {
    return (
      <p>
        {jobMessages.noMatch} <Link to={paths.jobs}>See all jobs</Link>
      </p>
    );
  }
  return (
    <div className="panel jl-none">
      <p>{jobMessages.none}</p>
      <Link className="button button--primary" to={paths.configure}>
        Set up a run
      </Link>
    </div>
  );
}

/** @param {{job: Job, now: number, to: string, isChosen: boolean}} props */
function JobRow({ job, now, to, isChosen }) {
  const remark = jobRemark(job, now);
  const age = jobAge(job, now);
  return (
    <li className={`jl-row ${isChosen ? 'jl-row--chosen' : ''}`}>
      <p className="jl-what">
        <Link
          id={`job-${job.job_id}`}
          className="jl-title"
          to={to}
          aria-current={isChosen ? 'true' : undefined}
        >
          <bdi>{job.title ?? jobMessages.untitled}</bdi>
        </Link>
        <span className="quiet jl-about">
          <bdi>{job.company_name ?? job.company}</bdi>
          {formatPlace(job) && (
            <>
              {' · '}
              <bdi>{formatPlace(job)}</bdi>
            </>
          )}
        </span>
        {remark && <span className={`jl-remark jl-remark--${job.state}`}>{remark}</span>}
      </p>
      {age && job.found_at && (
        <time className="quiet jl-age" dateTime={job.found_at} title={formatMoment(job.found_at)}>
          {age}
        </time>
      )}
    </li>
  );
}
