/**
 * All statuses of a run: label, tone (a colour, always beside icon and label), icon and favicon.
 *
 * The server tells whether a run may still change or be aborted (`is_active`, `can_abort`).
 */
export const STATUS = {
  pending: {
    label: 'Pending',
    tone: 'neutral',
    favicon: 'active',
    icon: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 5v3.2l2.2 1.4',
  },
  initializing: {
    label: 'Initializing',
    tone: 'info',
    favicon: 'active',
    icon: 'M13 8a5 5 0 1 1-1.6-3.7M13.2 1.8v3h-3',
  },
  ingesting: {
    label: 'Ingesting',
    tone: 'info',
    favicon: 'active',
    icon: 'M8 2v7.5M4.8 6.5 8 9.7l3.2-3.2M3 13h10',
  },
  finished: { label: 'Finished', tone: 'success', favicon: 'success', icon: 'M3 8.5 6.4 12 13 4.5' },
  error: { label: 'Error', tone: 'danger', favicon: 'danger', icon: 'M4 4l8 8M12 4l-8 8' },
  aborted: { label: 'Aborted', tone: 'warning', favicon: 'warning', icon: 'M4 4h8v8H4z' },
};

/** @typedef {{label: string, tone: string, favicon: string, icon: string}} Look */

/**
 * The look of a status. An unknown status is shown by its name.
 * @param {string} status
 * @returns {Look}
 */
export function statusLook(status) {
  return STATUS[status] ?? { ...STATUS.pending, label: status };
}
