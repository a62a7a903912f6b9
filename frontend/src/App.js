import { useEffect, useRef } from 'react';
import { Link, Navigate, NavLink, Route, Routes, useLocation } from 'react-router';
import { useSession } from './api/useSession.js';
import { paths } from './lib/paths.js';
import IngestPage from './pages/IngestPage.js';
import NotFoundPage from './pages/NotFoundPage.js';
import RunsPage from './pages/RunsPage.js';
import SignedOutPage from './pages/SignedOutPage.js';
import './App.css';

export default function App() {
  const { signedIn } = useSession();
  useHeadingFocus();
  return (
    <>
      <a className="ap-skip" href="#main">
        Skip to the content
      </a>
      <header className="ap-header">
        <div className="ap-column">
          <Link className="ap-brand" to={paths.configure}>
            Job Ingestion
          </Link>
          <nav aria-label="Main" className="ap-nav">
            <NavLink to={paths.configure}>Ingest</NavLink>
            <NavLink to={paths.runs}>Runs</NavLink>
          </nav>
        </div>
      </header>
      <main id="main" className="ap-column ap-main" tabIndex={-1}>
        {signedIn ? <Pages /> : <SignedOutPage />}
      </main>
    </>
  );
}

function Pages() {
  return (
    <Routes>
      <Route path="/" element={<Navigate to={paths.configure} replace />} />
      <Route path={paths.configure} element={<IngestPage />}>
        <Route index element={null} />
        <Route path="preview" element={null} />
        <Route path="runs/:runId" element={null} />
      </Route>
      <Route path={paths.runs} element={<RunsPage />} />
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}

/** After a change of address the new heading has the focus; on the first load the browser keeps it where it is. */
function useHeadingFocus() {
  const { pathname } = useLocation();
  const seen = useRef(pathname);
  useEffect(() => {
    if (seen.current !== pathname) {
      const arrival = seen.current === '/';
      seen.current = pathname;
      if (!arrival) {
        /** @type {HTMLElement | null} */ (document.querySelector('main h1'))?.focus();
      }
    }
  }, [pathname]);
}
