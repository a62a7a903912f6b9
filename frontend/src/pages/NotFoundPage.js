import { Link } from 'react-router';
import { paths } from '../lib/paths.js';
import './MessagePage.css';

export default function NotFoundPage() {
  return (
    <div className="mp-page">
      <title>Not found · Job Ingestion</title>
      <h1 tabIndex={-1}>There is nothing at this address</h1>
      <p>
        <Link to={paths.configure}>Go to your companies</Link> or <Link to={paths.runs}>see your runs</Link>.
      </p>
    </div>
  );
}
