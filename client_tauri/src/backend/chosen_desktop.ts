/** `virtual:backend` of the desktop build. */
export { desktopBackend as makeBackend } from './desktop';
