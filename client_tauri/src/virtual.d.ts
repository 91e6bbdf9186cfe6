declare module 'virtual:backend' {
  import type { Backend } from './backend/backend';
  /** The back end this build was made for. */
  export function makeBackend(): Backend;
}
