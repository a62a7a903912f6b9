import { QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { MemoryRouter } from 'react-router';
import App from '../App.js';
import { createQueryClient } from '../api/queryClient.js';

/** Render the whole page at an address. */
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

/** The violations that axe finds. Colour contrast is tested in a real browser. */
export async function axeViolations(container) {
  const { violations } = await axe.run(container, { rules: { 'color-contrast': { enabled: false } } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** Texts with a right-to-left override that are not isolated from the text beside them. */
export function unisolatedTexts(container) {
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
