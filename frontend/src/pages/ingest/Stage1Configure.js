import { useCompanies } from '../../api/companies.js';
import { useSources } from '../../api/sources.js';
import Banner from '../../components/Banner.js';
import { trouble } from '../../lib/trouble.js';
import AddCompany from './configure/AddCompany.js';
import CompanyList from './configure/CompanyList.js';
import Exchange from './configure/Exchange.js';
import NextBar from './configure/NextBar.js';
import Starters from './configure/Starters.js';
import './Stage1Configure.css';

/** Stage 1: whose postings a run is to take in, and which of them. */
export default function Stage1Configure() {
  const { companies, error } = useCompanies();
  const { data } = useSources();
  const isEmpty = companies?.length === 0;
  return (
    <>
      <div role="status" className="s1-news">
        {error && <Banner tone="warning">{trouble(error).sentence}</Banner>}
        {!companies && !error && <p className="quiet">Loading your companies …</p>}
      </div>
      {isEmpty && (
        <p>Your list is empty. Add a company by its careers page, or begin with some that are well known.</p>
      )}
      <AddCompany sources={data?.sources ?? []} companies={companies ?? []} />
      {companies && data && data.starters.length > 0 && (
        <Starters
          starters={data.starters}
          sources={data.sources}
          companies={companies}
          open={isEmpty ?? false}
        />
      )}
      {companies && <Exchange companies={companies} />}
      {companies && <CompanyList companies={companies} />}
      <NextBar />
    </>
  );
}
