const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const COUNT = new Intl.NumberFormat();
// The sentences of the page are English.
const RELATIVE = new Intl.RelativeTimeFormat('en');

/**
 * A duration in its two largest units.
 * @param {number} milliseconds
 */
export function formatDuration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  /** @type {[number, string][]} */
  const parts = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(' ');
}

/** @param {string | number} moment */
export function formatTime(moment) {
  return TIME.format(new Date(moment));
}

/** @param {string | number} moment */
export function formatMoment(moment) {
  return MOMENT.format(new Date(moment));
}

/**
 * The time since a moment, in its largest unit: just now, 4 minutes ago.
 * @param {number} milliseconds
 */
export function formatAge(milliseconds) {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) {
    return 'just now';
  }
  if (minutes < 60) {
    return RELATIVE.format(-minutes, 'minute');
  }
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? RELATIVE.format(-hours, 'hour') : RELATIVE.format(-Math.floor(hours / 24), 'day');
}

/** @param {number} count */
export function formatCount(count) {
  return COUNT.format(count);
}

/**
 * The date without the time.
 * @param {string | number} moment
 */
export function formatDay(moment) {
  return DAY.format(new Date(moment));
}

/**
 * Hour and minute; with the date if it is not today.
 * @param {string} moment
 * @param {number} [now] milliseconds
 */
export function formatClock(moment, now = Date.now()) {
  const clock = CLOCK.format(new Date(moment));
  return formatDay(moment) === formatDay(now) ? clock : `${formatDay(moment)}, ${clock}`;
}

const WEEKDAY = new Intl.DateTimeFormat('en', { weekday: 'long' });
const DAY_MS = 86_400_000;

/**
 * The day since which something holds: today, yesterday, Tuesday; the date if it is longer ago.
 * @param {string} moment
 * @param {number} [now] milliseconds
 */
export function formatSince(moment, now = Date.now()) {
  const day = formatDay(moment);
  if (day === formatDay(now)) {
    return 'today';
  }
  if (day === formatDay(now - DAY_MS)) {
    return 'yesterday';
  }
  const age = now - Date.parse(moment);
  return age > 0 && age < 6 * DAY_MS ? WEEKDAY.format(new Date(moment)) : day;
}

/** Right-to-left letters, and control characters that change the direction. */
const DIRECTIONAL =
  /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}]/u;
const ISOLATES = /[\u2066-\u2069]/g;

/**
 * A name for use inside a sentence, isolated so that its direction does not affect the text around it. Outside sentences,
 * use <bdi>.
 * @param {string} text
 */
export function isolated(text) {
  return DIRECTIONAL.test(text) ? `\u2068${text.replace(ISOLATES, '')}\u2069` : text;
}

/**
 * A count with its noun: 1 company, 3 companies.
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function amount(count, one, many = `${one}s`) {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
