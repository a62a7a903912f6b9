import '@tanstack/react-query';
import type { ApiError } from './client.js';

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: ApiError;
  }
}
