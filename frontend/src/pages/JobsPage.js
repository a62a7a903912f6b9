import { useEffect, useRef } from 'react';
import { Link, useSearchParams } from 'react-router';
import { isMissing } from '../api/client.js';
import { useJobs } from '../api/jobs.js';
import Banner from '../components/Banner.js';
import { focusHeading } from '../lib/focusHeading.js';
import { paths } from '../lib/paths.js';
import { connectionMessage } from '../messages/errors.js';
import { jobMessages } from '../messages/jobs.js';
import JobFilters from './jobs/JobFilters.js';
import JobList from './jobs/JobList.js';
import JobPanel from './jobs/JobPanel.js';
import './JobsPage.css';

/** The user's jobs, newest found first. Search, filters, page and the chosen job are part of the address. */
export default function JobsPage() {
  const [search] = useSearchParams();
  const jobId = search.get('job');
  const filter = {
    q: search.get('q'),
    state: search.get('state'),
    run: search.get('run'),
    after: search.get('after'),
  };
  const { page, isStale, error } = useJobs(filter);
  usePanelFocus(jobId);
  return (
    <div className={`jp-page ${jobId ? 'jp-page--open' : ''}`}>
      <title>Jobs · Job Ingestion</title>
      <div className="jp-main">
        <h1 tabIndex={-1}>Jobs</h1>
        <JobFilters filter={filter} />
        <div role="status" className="jp-status">
          {error && !isMissing(error) && <Banner tone="warning">{connectionMessage(error).sentence}</Banner>}
          {!page && !error && <p className="quiet">Loading …</p>}
          {page && !error && page.jobs.length > 0 && (
            <p className="quiet">{jobMessages.onThisPage(page.jobs.length)}</p>
          )}
        </div>
        {isMissing(error) ? (
          <p>
            {jobMessages.noSuchPage} <Link to={paths.jobs}>See all jobs</Link>
          </p>
        ) : (
          page && <JobList page={page} isStale={isStale} chosen={jobId} />
        )}
      </div>
      {jobId && <JobPanel key={jobId} jobId={jobId} />}
    </div>
  );
}

/**
 * Move the focus to the chosen job, and back to its row when it is closed. On the first load, the focus is kept.
 * @param {string | null} jobId
 */
function usePanelFocus(jobId) {
  const previous = useRef(jobId);
  useEffect(() => {
    const last = previous.current;
    if (last === jobId) {
      return;
    }
    previous.current = jobId;
    const target = document.getElementById(jobId ? 'job-title' : `job-${last}`);
    if (target) {
      target.focus();
    } else {
      focusHeading();
    }
  }, [jobId]);
}
