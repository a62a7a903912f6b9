import { useState } from 'react';
import { Link } from 'react-router';
import Banner from '../../components/Banner.js';
import { paths } from '../../lib/paths.js';
import { trouble } from '../../lib/trouble.js';
import FoundPostings from './preview/FoundPostings.js';
import PreviewCards from './preview/PreviewCards.js';
import PreviewHead from './preview/PreviewHead.js';
import PreviewNews from './preview/PreviewNews.js';
import SearchField from './preview/SearchField.js';
import StartBar from './preview/StartBar.js';
import { usePreviewing } from './preview/usePreviewing.js';
import './Stage2Preview.css';

/**
 * Stage 2: what a run would take in, and the start of one.
 * @param {{start: ReturnType<typeof import('./useStart.js').useStart>, offered: boolean}} props
 *   whether an active run is offered above, which explains a failed start better than its own words
 */
export default function Stage2Preview({ start, offered }) {
  const previewing = usePreviewing();
  const { preview, error, isMaking, refusal, isNone, refresh } = previewing;
  const isWaiting = isMaking || (!preview && !isNone);
  function renew() {
    start.dismiss();
    refresh();
  }
  return (
    <>
      <PreviewNews previewing={previewing} start={start} offered={offered} onRefresh={renew} />
      <div role="status" className="s2-news">
        {error && <Banner tone="warning">{trouble(error).sentence}</Banner>}
        {!error && isWaiting && <p className="quiet">Preparing the preview …</p>}
      </div>
      {refusal?.code === 'no_companies' && !isMaking ? (
        <section className="panel s2-empty" aria-label="Preview">
          <p>There is nothing to preview: none of your companies is enabled.</p>
          <Link className="button" to={paths.configure}>
            Choose companies
          </Link>
        </section>
      ) : (
        <>
          {!preview && !isWaiting && (
            <section className="panel s2-empty" aria-label="Preview">
              <p>There is no preview yet.</p>
              <button type="button" className="button" onClick={renew}>
                Make a preview
              </button>
            </section>
          )}
          {preview && (
            <Known key={preview.preview_id} preview={preview} isMaking={isMaking} onRefresh={renew} />
          )}
        </>
      )}
      <StartBar preview={refusal?.code === 'no_companies' || isMaking ? undefined : preview} start={start} />
    </>
  );
}

/**
 * @param {{preview: import('../../api/previews.js').Preview, isMaking: boolean, onRefresh: () => void}} props
 */
function Known({ preview, isMaking, onRefresh }) {
  const [search, setSearch] = useState('');
  return (
    <>
      <PreviewHead preview={preview} isMaking={isMaking} onRefresh={onRefresh} />
      <SearchField onSearch={setSearch} />
      {search ? <FoundPostings preview={preview} search={search} /> : <PreviewCards preview={preview} />}
    </>
  );
}
