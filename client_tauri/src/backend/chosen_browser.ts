/** `virtual:backend` of the browser build. */
export { browserBackend as makeBackend } from './browser/backend';
