import { QueryClientProvider, timeoutManager } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import App from './App.js';
import { makeQueryClient } from './api/queryClient.js';
import { makeSteadyTimers } from './lib/steadyTimers.js';
import './styles/tokens.css';
import './styles/base.css';

// Going back may show a page as it was left, whoever is signed in by now.
window.addEventListener('pageshow', ({ persisted }) => persisted && window.location.reload());

timeoutManager.setTimeoutProvider(makeSteadyTimers());

createRoot(/** @type {HTMLElement} */ (document.getElementById('root'))).render(
  <StrictMode>
    <QueryClientProvider client={makeQueryClient()}>
      <BrowserRouter>
        <App />
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
