/**
 * Two builds of one interface: `--mode desktop` into `dist` (inside the desktop program), `--mode web` into `dist-web`
 * (served by the service at `/`, with a worker for offline use). `virtual:backend` is the only thing that differs.
 */
import { fileURLToPath } from 'node:url';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

import { offlineWorker } from './bundling/worker.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ mode }) => {
  const web = mode === 'web' || mode === 'test';
  return {
    // Relative: the server may stand behind a path of a proxy's.
    base: './',
    plugins: [svelte(), ...(mode === 'web' ? [offlineWorker()] : [])],
    resolve: {
      alias: { 'virtual:backend': here(web ? 'src/backend/chosen_browser.ts' : 'src/backend/chosen_desktop.ts') },
      conditions: mode === 'test' ? ['browser'] : undefined,
    },
    publicDir: mode === 'web' ? 'public' : false,
    build: {
      outDir: mode === 'web' ? 'dist-web' : 'dist',
      emptyOutDir: true,
      target: mode === 'web' ? 'es2022' : 'safari15',
      // The pages' policy allows no inline data as scripts, and small files are few anyway.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: mode === 'web' ? [here('index.html')] : [here('index.html'), here('overlay.html')] },
    },
    server: { port: 5173, strictPort: true },
    test: { include: ['src/**/*.test.ts', 'tests/unit/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
  };
});
