import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { transformWithOxc } from 'vite';
import { defineConfig } from 'vitest/config';

/** JSX in files named .js: they are compiled before Vite, which goes by the name alone, looks at them. */
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

/** Compressed once, here, instead of at every request. */
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
  // The dev server's scan for dependencies does not go through the plugins.
  optimizeDeps: { rolldownOptions: { moduleTypes: { '.js': 'jsx' } } },
  // No data: addresses, which the page's policy forbids.
  build: { assetsInlineLimit: 0 },
  server: {
    host: '127.0.0.1',
    port: 5173,
    strictPort: true,
    proxy: { '/api': { target: process.env.API_URL ?? 'http://127.0.0.1:8000' } },
  },
  test: {
    environment: 'jsdom',
    // Every file has its own window, but not its own process, whose start takes longer than the tests.
    pool: 'vmThreads',
    setupFiles: ['./src/test/setup.js'],
    include: ['src/**/*.test.js'],
    restoreMocks: true,
    // More than a wait may take (src/test/setup.js).
    testTimeout: 60_000,
  },
});
