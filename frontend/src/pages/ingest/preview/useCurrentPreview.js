import { useEffect, useRef, useState } from 'react';
import { isMissing } from '../../../api/client.js';
import { useCreatePreview, useLatestPreview, usePreview } from '../../../api/previews.js';

/**
 * The latest preview. On mount, create one if there is none or it is out of date; afterwards only offer a refresh.
 */
export function useCurrentPreview() {
  const latest = useLatestPreview();
  const { preview: lastPreview, asOf, error: previewError } = usePreview(latest.previewId);
  const creation = useCreatePreview();
  const isReplaced = isMissing(previewError);
  const preview = isReplaced ? undefined : lastPreview;
  const [isSettled, setIsSettled] = useState(false);
  const isCreationStarted = useRef(false);
  const { previewId, refetch } = latest;
  const { mutate } = creation;
  const isOutdated = preview ? !preview.is_current : previewId === null;
  const needsCreation = isOutdated && !isSettled;
  useEffect(() => {
    if (needsCreation && !isCreationStarted.current) {
      isCreationStarted.current = true;
      mutate({ refresh: false }, { onSettled: () => setIsSettled(true) });
    } else if (preview && !isOutdated) {
      setIsSettled(true);
    }
  }, [needsCreation, preview, isOutdated, mutate]);
  useEffect(() => {
    // Another tab has created a newer one.
    if (isReplaced) {
      void refetch();
    }
  }, [isReplaced, refetch]);
  return {
    preview,
    asOf,
    isNone: previewId === null,
    error: latest.error ?? (isReplaced ? null : previewError),
    isCreating: creation.isPending || needsCreation,
    createError: creation.error,
    /** @param {{refresh: boolean}} [options] those of the last attempt if left out */
    create: (options = creation.variables ?? { refresh: false }) => {
      if (!creation.isPending) {
        mutate(options);
      }
    },
    dismissError: creation.reset,
  };
}
