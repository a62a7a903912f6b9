import { Activity, useEffect, useRef, useState } from 'react';
import { ErrorBoundary } from 'react-error-boundary';
import { Link, Navigate, NavLink, Route, Routes, useLocation, useNavigationType } from 'react-router';
import { useSession } from './api/session.js';
import Banner from './components/Banner.js';
import { focusHeading } from './lib/focusHeading.js';
import { paths } from './lib/paths.js';
import { connectionMessage } from './messages/errors.js';
import AccountPage from './pages/AccountPage.js';
import SignOut from './pages/account/SignOut.js';
import DraftProvider from './pages/DraftProvider.js';
import ErrorPage, { PageErrorBoundary } from './pages/ErrorPage.js';
import IngestPage from './pages/IngestPage.js';
import JobsPage from './pages/JobsPage.js';
import NotFoundPage from './pages/NotFoundPage.js';
import RunsPage from './pages/RunsPage.js';
import SignInPage from './pages/SignInPage.js';
import './App.css';

/** The whole application. An error outside the pages, such as in the header, shows the error page too. */
export default function App() {
  return (
    <ErrorBoundary FallbackComponent={ErrorPage}>
      <Frame />
    </ErrorBoundary>
  );
}

/**
 * The header and the pages. When a session ends, the sign-in page covers the open page, which keeps its input and sends
 * no requests while it is hidden.
 */
function Frame() {
  const { user, error } = useSession();
  const [lastUser, setLastUser] = useState(user);
  if (user && !lastUser) {
    setLastUser(user);
  }
  const isOtherUser = Boolean(user && lastUser && user.user_id !== lastUser.user_id);
  useEffect(() => {
    if (isOtherUser) {
      // One user's data must not stay in the page of another.
      window.location.reload();
    }
  }, [isOtherUser]);
  useHeadingFocus();
  return (
    <>
      <a className="app-skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" className="app-column app-main" tabIndex={-1}>
        {user === undefined && (
          <div role="status">
            {error ? (
              <Banner tone="warning">{connectionMessage(error).sentence}</Banner>
            ) : (
              <p className="quiet">Loading …</p>
            )}
          </div>
        )}
        {user === null && <SignInPage expired={Boolean(lastUser)} />}
        {lastUser && (
          <Activity mode={user && !isOtherUser ? 'visible' : 'hidden'}>
            <DraftProvider userId={lastUser.user_id}>
              <PageErrorBoundary>
                <Pages />
              </PageErrorBoundary>
            </DraftProvider>
          </Activity>
        )}
      </main>
    </>
  );
}

function Header() {
  const { user, isLocal } = useSession();
  return (
    <header className="app-header">
      <div className="app-column">
        <Link className="app-brand" to={paths.configure}>
          Job Ingestion
        </Link>
        {user && (
          <nav aria-label="Main" className="app-nav">
            <NavLink to={paths.configure}>Ingest</NavLink>
            <NavLink to={paths.jobs}>Jobs</NavLink>
            <NavLink to={paths.runs}>Runs</NavLink>
            {!isLocal && <NavLink to={paths.account}>Account</NavLink>}
            {!isLocal && <SignOut />}
          </nav>
        )}
      </div>
    </header>
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
      <Route path={paths.jobs} element={<JobsPage />} />
      <Route path={paths.account} element={<AccountPage />} />
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}

/**
 * Move the focus to the heading after a change of address, or of the page within a list. On the first load and after a
 * redirect, the browser's focus is kept.
 */
function useHeadingFocus() {
  const { pathname, search } = useLocation();
  const parameters = new URLSearchParams(search);
  const location = `${pathname} ${parameters.get('before')} ${parameters.get('after')}`;
  const type = useNavigationType();
  const previous = useRef(location);
  useEffect(() => {
    if (previous.current !== location) {
      previous.current = location;
      if (type !== 'REPLACE') {
        focusHeading();
      }
    }
  }, [location, type]);
}
