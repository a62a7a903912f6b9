import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { transformWithOxc } from 'vite';
import { defineConfig } from 'vitest/config';

/** Compile JSX in .js files before Vite sees them, because Vite chooses the parser by the file extension. */
function jsxInJs() {
  let development = false;
  return {
    name: 'jsx-in-js',
    enforce: 'pre',
    configResolved(config) {
      development = !config.isProduction;
    },
    transform: {
      filter: { id: /\/src\/[^?]*\.js(?:\?|$)/ },
      handler: (code, id) =>
        transformWithOxc(code, id, {
          lang: 'jsx',
          sourcemap: true,
          jsx: { runtime: 'automatic', development },
        }),
    },
  };
}

const API_URL = process.env.API_URL ?? 'http://127.0.0.1:8000';

/** Compress the files at build time instead of at every request. */
function precompressed() {
  let folder = '';
  return {
    name: 'precompressed',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true })) {
        if (/\.(js|css|html|svg)$/.test(name)) {
          const path = join(folder, name);
          const content = readFileSync(path);
          writeFileSync(`${path}.br`, brotliCompressSync(content));
          writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        }
      }
    },
  };
}

export default defineConfig({
  plugins: [jsxInJs(), react(), precompressed()],
  // The dev server scans for dependencies without the plugins.
  optimizeDeps: { rolldownOptions: { moduleTypes: { '.js': 'jsx' } } },
  // The page's content security policy forbids data: URLs.
  build: { assetsInlineLimit: 0 },
  server: {
    host: '127.0.0.1',
    port: 5173,
    strictPort: true,
    proxy: Object.fromEntries(['/api', '/readyz'].map((path) => [path, { target: API_URL }])),
  },
  test: {
    environment: 'jsdom',
    // A window for each file, but no process for each file: starting one takes longer than its tests.
    pool: 'vmThreads',
    setupFiles: ['./src/test/setup.js'],
    include: ['src/**/*.test.js'],
    restoreMocks: true,
    // Longer than the longest wait (src/test/setup.js).
    testTimeout: 60_000,
  },
});
