import { useCompanies } from '../../api/companies.js';
import { useSources } from '../../api/sources.js';
import Banner from '../../components/Banner.js';
import { listMessages } from '../../messages/companies.js';
import { connectionMessage } from '../../messages/errors.js';
import AddCompany from './configure/AddCompany.js';
import CompanyList from './configure/CompanyList.js';
import ImportExport from './configure/ImportExport.js';
import NextAction from './configure/NextAction.js';
import SuggestedCompanies from './configure/SuggestedCompanies.js';
import './Stage1Configure.css';

/** @type {import('../../api/sources.js').Source[]} */
const NO_SOURCES = [];

/** Stage 1: the user's companies and their filters. */
export default function Stage1Configure() {
  const { companies, error } = useCompanies();
  const { data } = useSources();
  const isEmpty = companies?.length === 0;
  return (
    <>
      <div role="status" className="s1-alerts">
        {error && <Banner tone="warning">{connectionMessage(error).sentence}</Banner>}
        {!companies && !error && <p className="quiet">{listMessages.loading}</p>}
      </div>
      {isEmpty && <p>{listMessages.empty}</p>}
      <AddCompany sources={data?.sources ?? NO_SOURCES} companies={companies ?? []} />
      {companies && data && data.starters.length > 0 && (
        <SuggestedCompanies
          suggestions={data.starters}
          sources={data.sources}
          companies={companies}
          open={isEmpty ?? false}
        />
      )}
      {companies && <ImportExport companies={companies} />}
      {companies && <CompanyList companies={companies} sources={data?.sources ?? NO_SOURCES} />}
      <NextAction />
    </>
  );
}
