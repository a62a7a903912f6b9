import { useEffect, useRef, useState } from 'react';
import { useLatestPreview, useMakePreview, usePreview } from '../../../api/previews.js';
import { isMissing } from '../../../api/queries.js';

/**
 * The preview that is shown: the latest one. Who arrives to none, or to one that the settings have left behind, gets a new
 * one, once; after that it is only offered.
 */
export function usePreviewing() {
  const latest = useLatestPreview();
  const { preview: known, error: ofPreview } = usePreview(latest.previewId);
  const made = useMakePreview();
  const isGone = isMissing(ofPreview);
  const preview = isGone ? undefined : known;
  const [isSettled, setIsSettled] = useState(false);
  const isBegun = useRef(false);
  const { previewId, look } = latest;
  const { mutate } = made;
  const isLeftBehind = preview ? !preview.is_current : previewId === null;
  const needsOne = isLeftBehind && !isSettled;
  useEffect(() => {
    if (needsOne && !isBegun.current) {
      isBegun.current = true;
      mutate(undefined, { onSettled: () => setIsSettled(true) });
    } else if (preview && !isLeftBehind) {
      setIsSettled(true);
    }
  }, [needsOne, preview, isLeftBehind, mutate]);
  useEffect(() => {
    // Another tab has replaced it.
    if (isGone) {
      void look();
    }
  }, [isGone, look]);
  return {
    preview,
    isNone: previewId === null,
    error: latest.error ?? (isGone ? null : ofPreview),
    isMaking: made.isPending || needsOne,
    refusal: made.error,
    refresh: () => {
      if (!made.isPending) {
        mutate();
      }
    },
    forgive: made.reset,
  };
}
