import { ErrorBoundary } from 'react-error-boundary';
import { useLocation } from 'react-router';
import Banner from '../components/Banner.js';
import { renderErrorMessages } from '../messages/errors.js';
import './MessagePage.css';

/**
 * Shows an error page in place of children that fail to render. Another address tries the children again.
 * @param {{children: import('react').ReactNode}} props
 */
export function PageErrorBoundary({ children }) {
  const { pathname, search } = useLocation();
  return (
    <ErrorBoundary FallbackComponent={ErrorPage} resetKeys={[pathname, search]}>
      {children}
    </ErrorBoundary>
  );
}

export default function ErrorPage() {
  return (
    <div className="mp-page">
      <title>Error · Job Ingestion</title>
      <h1 tabIndex={-1}>{renderErrorMessages.title}</h1>
      <Banner tone="danger" role="alert">
        <p>{renderErrorMessages.text}</p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          {renderErrorMessages.reload}
        </button>
      </Banner>
    </div>
  );
}
