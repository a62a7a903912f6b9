import { QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { MemoryRouter } from 'react-router';
import App from '../App.js';
import { createQueryClient } from '../api/queryClient.js';

/** Opens the whole page at an address, as a browser does. */
export function open(address) {
  const shown = render(
    <QueryClientProvider client={createQueryClient()}>
      <MemoryRouter initialEntries={[address]}>
        <App />
      </MemoryRouter>
    </QueryClientProvider>,
  );
  return { ...shown, user: userEvent.setup() };
}

/** What axe objects to; colours need a real browser and are looked at there. */
export async function objections(container) {
  const { violations } = await axe.run(container, { rules: { 'color-contrast': { enabled: false } } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** Texts with a direction of their own that could turn round what stands beside them. */
export function turning(container) {
  const walker = document.createTreeWalker(container, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const bare = node.data.replace(/\u2068[^\u2069]*\u2069/g, '');
    if (bare.includes('\u202e') && !node.parentElement.closest('bdi, [dir=auto]')) {
      found.push(node.data);
    }
  }
  return found;
}
