import { QueryClientProvider, timeoutManager } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import App from './App.js';
import { createQueryClient } from './api/queryClient.js';
import { createSteadyTimers } from './lib/steadyTimers.js';
import './styles/tokens.css';
import './styles/base.css';

// Back may restore the page of a user who has signed out since.
window.addEventListener('pageshow', ({ persisted }) => persisted && window.location.reload());

timeoutManager.setTimeoutProvider(createSteadyTimers());

createRoot(/** @type {HTMLElement} */ (document.getElementById('root'))).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <BrowserRouter>
        <App />
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
