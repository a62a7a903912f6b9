import { Link } from 'react-router';
import Banner from '../../../components/Banner.js';
import { amount } from '../../../lib/format.js';
import { paths } from '../../../lib/paths.js';
import { retryError, runCompanyMessages } from '../../../messages/runCompanies.js';
import { runMessages } from '../../../messages/runs.js';
import './RetryFailed.css';
import { useRetry } from './useRetry.js';

/**
 * The button that starts a run of the companies that failed.
 * @param {{run: import('../../../api/runs.js').Run}} props
 */
export default function RetryFailed({ run }) {
  const retry = useRetry(run.run_id);
  const activeRun = retry.error?.problem.run_id;
  return (
    <section className="rf-retry" aria-labelledby="rf-title">
      <h2 id="rf-title">{amount(run.companies_failed, 'company', 'companies')} failed</h2>
      <p className="quiet">{runCompanyMessages.retryHelp(run.companies_failed)}</p>
      {retry.error && (
        <Banner tone="danger" role="alert" onDismiss={retry.dismiss}>
          {retryError(retry.error)}{' '}
          {activeRun && <Link to={paths.run(activeRun)}>{runMessages.inProgress(activeRun)}</Link>}
        </Banner>
      )}
      <button type="button" className="button" aria-disabled={retry.isPending} onClick={retry.begin}>
        {retry.isPending ? 'Starting …' : runCompanyMessages.retry}
      </button>
    </section>
  );
}
