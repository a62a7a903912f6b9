import { useSession } from '../api/session.js';
import ChangePassword from './account/ChangePassword.js';
import Credentials from './account/Credentials.js';
import NewToken from './account/NewToken.js';
import NotFoundPage from './NotFoundPage.js';
import './AccountPage.css';

/** One's sessions, tokens and password. With AUTH=local there is no such page. */
export default function AccountPage() {
  const { user, isLocal } = useSession();
  if (isLocal) {
    return <NotFoundPage />;
  }
  return (
    <div className="ac-page">
      <title>Account · Job Ingestion</title>
      <h1 tabIndex={-1}>Account</h1>
      <p className="quiet">{user?.email}</p>
      <Credentials />
      <NewToken />
      <ChangePassword email={user?.email ?? ''} />
    </div>
  );
}
