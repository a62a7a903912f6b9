import { useSession } from '../api/session.js';
import Credentials from './account/Credentials.js';
import DeleteAccount from './account/DeleteAccount.js';
import NewToken from './account/NewToken.js';
import PasswordForm from './account/PasswordForm.js';
import NotFoundPage from './NotFoundPage.js';
import './AccountPage.css';

/** The user's sessions, tokens and password, and the end of the account. With AUTH=local this page does not exist. */
export default function AccountPage() {
  const { user, isLocal } = useSession();
  if (isLocal) {
    return <NotFoundPage />;
  }
  return (
    <div className="ap-page">
      <title>Account · Job Ingestion</title>
      <h1 tabIndex={-1}>Account</h1>
      <p className="quiet">{user?.email}</p>
      <Credentials />
      <NewToken />
      <PasswordForm email={user?.email ?? ''} />
      <DeleteAccount email={user?.email ?? ''} />
    </div>
  );
}
