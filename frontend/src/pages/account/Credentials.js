import { useCredentials, useRevoke } from '../../api/account.js';
import Banner from '../../components/Banner.js';
import { browserName } from '../../lib/browser.js';
import { formatMoment } from '../../lib/format.js';
import './Credentials.css';

/** The sessions and tokens there are, each with its last use and a way to end it. */
export default function Credentials() {
  const query = useCredentials();
  const revoke = useRevoke();
  return (
    <section className="panel cr-section" aria-labelledby="cr-title">
      <h2 id="cr-title">Sessions and tokens</h2>
      {revoke.error && (
        <Banner tone="danger" role="alert" onDismiss={revoke.reset}>
          It could not be revoked. {revoke.error.message}
        </Banner>
      )}
      {query.isError && (
        <Banner tone="warning">The list may be out of date: the server does not answer.</Banner>
      )}
      {!query.data && !query.isError && <p className="quiet">Loading …</p>}
      <ul className="cr-list">
        {query.data?.map((credential) => (
          <Credential key={credential.credential_id} credential={credential} onRevoke={revoke.mutate} />
        ))}
      </ul>
    </section>
  );
}

/** @param {{credential: import('../../api/account.js').Credential, onRevoke: (id: number) => void}} props */
function Credential({ credential, onRevoke }) {
  const isToken = credential.kind === 'token';
  const name = isToken ? credential.name : browserName(credential.name);
  return (
    <li className="cr-item">
      <div>
        <p>
          <strong>{name}</strong> <span className="quiet">{isToken ? 'token' : 'session'}</span>
          {credential.is_current && <span className="cr-current">this session</span>}
        </p>
        <p className="quiet cr-times">
          Made {formatMoment(credential.created_at)},{' '}
          {credential.last_used_at ? `last used ${formatMoment(credential.last_used_at)}` : 'never used'},{' '}
          {credential.expires_at ? `expires ${formatMoment(credential.expires_at)}` : 'does not expire'}
        </p>
      </div>
      {!credential.is_current && (
        <button
          type="button"
          className="button"
          aria-label={`Revoke ${name}`}
          onClick={() => onRevoke(credential.credential_id)}
        >
          Revoke
        </button>
      )}
    </li>
  );
}
