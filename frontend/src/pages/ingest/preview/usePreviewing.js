import { useEffect, useRef } from 'react';
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
  const isSettled = useRef(false);
  const { previewId, look } = latest;
  const { mutate } = made;
  useEffect(() => {
    if (isSettled.current || (previewId !== null && !preview)) {
      return;
    }
    isSettled.current = true;
    if (!preview || (preview.is_finished && !preview.is_current)) {
      mutate();
    }
  }, [previewId, preview, mutate]);
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
    isMaking: made.isPending,
    refusal: made.error,
    refresh: () => {
      if (!made.isPending) {
        mutate();
      }
    },
    forgive: made.reset,
  };
}
