/** Makes the page usable without a network; only where the build brought a worker along. */
export function registerWorker(): void {
  if (import.meta.env.MODE !== 'web' || !('serviceWorker' in navigator)) return;
  addEventListener('load', () => void navigator.serviceWorker.register('./worker.js', { updateViaCache: 'none' }).catch(() => undefined));
}
