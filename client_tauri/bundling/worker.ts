/**
 * Puts the list of what the build made into the service worker, and names its cache by what is in it: a build that
 * differs in one byte is a new version, the same build twice is not.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Plugin } from 'vite';

/** Vite plugin: emits `worker.js` beside the page, made of `src/worker.js`. */
export function offlineWorker(): Plugin {
  let root = '';
  let publicDir = '';
  return {
    name: 'alfavoice-offline-worker',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      publicDir = config.publicDir;
    },
    generateBundle(_options, bundle) {
      const hash = createHash('sha256');
      const files: string[] = [];
      for (const name of Object.keys(bundle).toSorted()) {
        const made = bundle[name];
        if (!made || name.endsWith('.map')) continue;
        hash.update(name).update(made.type === 'chunk' ? made.code : made.source);
        files.push(name);
      }
      for (const name of readdirSync(publicDir).toSorted()) {
        hash.update(name).update(readFileSync(join(publicDir, name)));
        files.push(name);
      }
      const source = readFileSync(join(root, 'src/worker.js'), 'utf8')
        .replace('__VERSION__', hash.digest('hex').slice(0, 16))
        .replace('__FILES__', JSON.stringify(files.filter((name) => name !== 'index.html')));
      this.emitFile({ type: 'asset', fileName: 'worker.js', source });
    },
  };
}
