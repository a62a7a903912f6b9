import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STATUS, statusLook } from './status.js';

test.each(Object.entries(STATUS))('%s has a label, an icon and an existing favicon', (_word, look) => {
  expect(look.label).toMatch(/^[A-Z]/);
  expect(look.icon).toMatch(/^M/);
  expect(existsSync(`public/favicon-${look.favicon}.svg`)).toBe(true);
});

test('statuses differ in label and icon, not only in colour', () => {
  const looks = Object.values(STATUS);
  expect(new Set(looks.map(({ label }) => label)).size).toBe(looks.length);
  expect(new Set(looks.map(({ icon }) => icon)).size).toBe(looks.length);
});

test('an unknown status is shown by its name', () => {
  expect(statusLook('resting').label).toBe('resting');
});
