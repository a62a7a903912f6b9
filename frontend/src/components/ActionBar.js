import { createContext, useContext } from 'react';
import { createPortal } from 'react-dom';

/** The place beside the heading where the ways on stand: in sight however long the page is. */
export const ActionPlace = createContext(/** @type {HTMLElement | null} */ (null));

/**
 * The ways on from a stage. The stage knows what they need; they stand beside the page's heading.
 * @param {{children: import('react').ReactNode}} props
 */
export default function ActionBar({ children }) {
  const place = useContext(ActionPlace);
  return place && createPortal(children, place);
}
