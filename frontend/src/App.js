import { Activity, useEffect, useRef, useState } from 'react';
import { Link, Navigate, NavLink, Route, Routes, useLocation, useNavigationType } from 'react-router';
import { useSession } from './api/session.js';
import Banner from './components/Banner.js';
import { focusHeading } from './lib/focusHeading.js';
import { paths } from './lib/paths.js';
import { trouble } from './lib/trouble.js';
import AccountPage from './pages/AccountPage.js';
import SignOut from './pages/account/SignOut.js';
import Drafts from './pages/Drafts.js';
import IngestPage from './pages/IngestPage.js';
import NotFoundPage from './pages/NotFoundPage.js';
import RunsPage from './pages/RunsPage.js';
import SignInPage from './pages/SignInPage.js';
import './App.css';

/**
 * The frame, and in it the pages. Should the session end, signing in stands before the page that is open, which keeps
 * everything that was typed and asks for nothing meanwhile.
 */
export default function App() {
  const { user, error } = useSession();
  const [last, setLast] = useState(user);
  if (user && !last) {
    setLast(user);
  }
  const isSomebodyElse = Boolean(user && last && user.user_id !== last.user_id);
  useEffect(() => {
    if (isSomebodyElse) {
      // Nothing that was shown to the one is for the other.
      window.location.reload();
    }
  }, [isSomebodyElse]);
  useHeadingFocus();
  return (
    <>
      <a className="ap-skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" className="ap-column ap-main" tabIndex={-1}>
        {user === undefined && (
          <div role="status">
            {error ? (
              <Banner tone="warning">{trouble(error).sentence}</Banner>
            ) : (
              <p className="quiet">Loading …</p>
            )}
          </div>
        )}
        {user === null && <SignInPage expired={Boolean(last)} />}
        {last && (
          <Activity mode={user && !isSomebodyElse ? 'visible' : 'hidden'}>
            <Drafts userId={last.user_id}>
              <Pages />
            </Drafts>
          </Activity>
        )}
      </main>
    </>
  );
}

function Header() {
  const { user, isLocal } = useSession();
  return (
    <header className="ap-header">
      <div className="ap-column">
        <Link className="ap-brand" to={paths.configure}>
          Job Ingestion
        </Link>
        {user && (
          <nav aria-label="Main" className="ap-nav">
            <NavLink to={paths.configure}>Ingest</NavLink>
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
      <Route path={paths.account} element={<AccountPage />} />
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}

/**
 * After a change of address, or of the page within a list, the heading has the focus. On the first load, and where an
 * address only leads on to another, the browser keeps it where it is.
 */
function useHeadingFocus() {
  const { pathname, search } = useLocation();
  const place = `${pathname} ${new URLSearchParams(search).get('before')}`;
  const type = useNavigationType();
  const seen = useRef(place);
  useEffect(() => {
    if (seen.current !== place) {
      seen.current = place;
      if (type !== 'REPLACE') {
        focusHeading();
      }
    }
  }, [place, type]);
}
