/** Small things that survive a restart and tell nothing about anybody: which screen, whether the sidebar is open. */
const PREFIX = 'alfavoice.';

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // A browser that keeps nothing begins anew each time.
  }
}
