import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STATUS, statusLook } from './status.js';

test.each(Object.entries(STATUS))('%s has a word, an icon and a favicon of its own kind', (_word, look) => {
  expect(look.label).toMatch(/^[A-Z]/);
  expect(look.icon).toMatch(/^M/);
  expect(existsSync(`public/favicon-${look.favicon}.svg`)).toBe(true);
});

test('no two statuses look alike without their colour', () => {
  const looks = Object.values(STATUS);
  expect(new Set(looks.map(({ label }) => label)).size).toBe(looks.length);
  expect(new Set(looks.map(({ icon }) => icon)).size).toBe(looks.length);
});

test('a status that this page does not know is shown by its word', () => {
  expect(statusLook('resting').label).toBe('resting');
});
