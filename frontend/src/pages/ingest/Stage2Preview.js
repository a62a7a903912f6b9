import { useState } from 'react';
import { Link } from 'react-router';
import Banner from '../../components/Banner.js';
import { paths } from '../../lib/paths.js';
import { connectionMessage } from '../../messages/errors.js';
import { previewMessages } from '../../messages/previews.js';
import PreviewAlerts from './preview/PreviewAlerts.js';
import PreviewCards from './preview/PreviewCards.js';
import PreviewHead from './preview/PreviewHead.js';
import SearchField from './preview/SearchField.js';
import SearchResults from './preview/SearchResults.js';
import StartAction from './preview/StartAction.js';
import { useCurrentPreview } from './preview/useCurrentPreview.js';
import WaitingNotice from './preview/WaitingNotice.js';
import './Stage2Preview.css';

/**
 * Stage 2: the postings that a run would collect, and its start.
 * @param {{start: ReturnType<typeof import('./useStart.js').useStart>, offered: boolean}} props `offered` if a link to an
 *   active run is shown above, which replaces the message of a failed start
 */
export default function Stage2Preview({ start, offered }) {
  const currentPreview = useCurrentPreview();
  const { preview, asOf, error, isCreating, createError, isNone, create } = currentPreview;
  const isWaiting = isCreating || (!preview && !isNone);
  const hasNoCompanies = createError?.code === 'no_companies';
  /** @param {{refresh: boolean}} [options] */
  function renew(options) {
    start.dismiss();
    create(options);
  }
  return (
    <>
      <PreviewAlerts currentPreview={currentPreview} start={start} offered={offered} onRenew={renew} />
      <div role="status" className="s2-alerts">
        {error && <Banner tone="warning">{connectionMessage(error).sentence}</Banner>}
        {!error && isWaiting && <p className="quiet">{previewMessages.preparing}</p>}
      </div>
      {hasNoCompanies && !isCreating ? (
        <section className="panel s2-empty" aria-label="Preview">
          <p>{previewMessages.noCompanies}</p>
          <Link className="button" to={paths.configure}>
            Choose companies
          </Link>
        </section>
      ) : (
        <>
          {!preview && !isWaiting && (
            <section className="panel s2-empty" aria-label="Preview">
              <p>{previewMessages.none}</p>
              <button type="button" className="button" onClick={() => renew({ refresh: false })}>
                Create a preview
              </button>
            </section>
          )}
          {preview && (
            <PreviewPanel
              key={preview.preview_id}
              preview={preview}
              asOf={asOf}
              isCreating={isCreating}
              onRefresh={() => renew({ refresh: true })}
            />
          )}
        </>
      )}
      <StartAction preview={hasNoCompanies || isCreating ? undefined : preview} start={start} />
    </>
  );
}

/**
 * @param {{preview: import('../../api/previews.js').Preview, asOf: number, isCreating: boolean,
 *   onRefresh: () => void}} props
 */
function PreviewPanel({ preview, asOf, isCreating, onRefresh }) {
  const [search, setSearch] = useState('');
  return (
    <>
      <PreviewHead preview={preview} isCreating={isCreating} onRefresh={onRefresh} />
      {!isCreating && <WaitingNotice preview={preview} />}
      <SearchField onSearch={setSearch} />
      {search ? (
        <SearchResults preview={preview} search={search} />
      ) : (
        <PreviewCards preview={preview} asOf={asOf} />
      )}
    </>
  );
}
