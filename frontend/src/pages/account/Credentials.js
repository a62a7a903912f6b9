import { useCredentials, useRevokeCredential } from '../../api/account.js';
import Banner from '../../components/Banner.js';
import { browserName } from '../../lib/browserName.js';
import { formatMoment } from '../../lib/format.js';
import { accountChanges, accountMessages } from '../../messages/account.js';
import { changeError, failureReason } from '../../messages/errors.js';
import './Credentials.css';

/** The list of sessions and tokens, each with its last use and a button to revoke it. */
export default function Credentials() {
  const { credentials, error, fetchMore, isLoading } = useCredentials();
  const revoke = useRevokeCredential();
  return (
    <section className="panel ce-section" aria-labelledby="ce-title">
      <h2 id="ce-title">Sessions and tokens</h2>
      {revoke.error && (
        <Banner tone="danger" role="alert" onDismiss={revoke.reset}>
          {changeError(accountChanges.revoke, revoke.error)}
        </Banner>
      )}
      {error && (
        <Banner tone="warning">
          {accountMessages.listOutdated} {failureReason(error)}
        </Banner>
      )}
      {!credentials && !error && <p className="quiet">Loading …</p>}
      <ul className="ce-list">
        {credentials?.map((credential) => (
          <Credential key={credential.credential_id} credential={credential} onRevoke={revoke.mutate} />
        ))}
      </ul>
      {fetchMore && (
        <button
          type="button"
          className="button ce-more"
          aria-disabled={isLoading}
          onClick={() => !isLoading && fetchMore()}
        >
          {isLoading ? 'Loading …' : 'Show more'}
        </button>
      )}
    </section>
  );
}

/** @param {{credential: import('../../api/account.js').Credential, onRevoke: (id: number) => void}} props */
function Credential({ credential, onRevoke }) {
  const isToken = credential.kind === 'token';
  const name = isToken ? credential.name : browserName(credential.name);
  return (
    <li className="ce-item">
      <div>
        <p>
          <strong>{name}</strong> <span className="quiet">{isToken ? 'token' : 'session'}</span>
          {credential.is_current && <span className="ce-current">this session</span>}
        </p>
        <p className="quiet ce-times">
          Created {formatMoment(credential.created_at)},{' '}
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
