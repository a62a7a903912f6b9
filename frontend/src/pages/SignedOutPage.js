import './MessagePage.css';

/** What is shown instead of any page once the server has answered 401. */
export default function SignedOutPage() {
  return (
    <div className="mp-page">
      <title>Not signed in · Job Ingestion</title>
      <h1 tabIndex={-1}>You are not signed in</h1>
      <p>
        This server answers only those who are signed in (AUTH=accounts), and this version has no accounts.
        Its operator can run it for one person on one machine with AUTH=local.
      </p>
    </div>
  );
}
