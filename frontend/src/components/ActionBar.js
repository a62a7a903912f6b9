import { createContext, useContext } from 'react';
import { createPortal } from 'react-dom';

/** The element beside the heading that shows the actions of a stage, so that they stay in sight on a long page. */
export const ActionSlot = createContext(/** @type {HTMLElement | null} */ (null));

/**
 * Renders the actions of a stage in the ActionSlot.
 * @param {{children: import('react').ReactNode}} props
 */
export default function ActionBar({ children }) {
  const slot = useContext(ActionSlot);
  return slot && createPortal(children, slot);
}
