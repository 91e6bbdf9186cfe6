/**
 * A list of the server's as a screen shows it: first what this computer has a sealed copy of, then what the server has.
 * Without a server the copy stays, and the screen says so.
 */
import { asProblem, type Call, type Problem } from '../backend/backend';
import type { App } from './app.svelte';

export class Shelf<Item extends { id: string }> {
  items = $state.raw<Item[]>([]);
  next = $state<string | null>(null);
  state = $state<'loading' | 'fresh' | 'copy' | 'failed'>('loading');
  problem = $state.raw<Problem | null>(null);
  private generation = 0;

  /**
   * @param cached name of the copy; null: this list is not kept.
   * @param read makes items and the cursor of the next page out of an answer.
   */
  constructor(
    private readonly app: App,
    private readonly cached: string | null,
    private readonly read: (answer: never) => { items: Item[]; next: string | null },
  ) {}

  async load(call: Call): Promise<void> {
    const generation = (this.generation += 1);
    if (this.state === 'loading' && this.cached) {
      const kept = (await this.app.backend.cacheRead(this.cached).catch(() => null)) as Item[] | null;
      if (kept && generation === this.generation) [this.items, this.state] = [kept, 'copy'];
    }
    try {
      const page = this.read((await this.app.backend.request(call)) as never);
      if (generation !== this.generation) return;
      [this.items, this.next, this.state, this.problem] = [page.items, page.next, 'fresh', null];
      if (this.cached) await this.app.backend.cacheWrite(this.cached, $state.snapshot(page.items)).catch(() => undefined);
    } catch (error) {
      if (generation !== this.generation) return;
      this.problem = asProblem(error);
      this.state = this.items.length > 0 || this.state === 'copy' ? 'copy' : 'failed';
    }
  }

  /** Adds the page after this one. */
  async more(call: Call): Promise<void> {
    await this.app.attempt(async () => {
      const page = this.read((await this.app.backend.request(call)) as never);
      const known = new Set(this.items.map(({ id }) => id));
      this.items = [...this.items, ...page.items.filter(({ id }) => !known.has(id))];
      this.next = page.next;
    });
  }

  put(item: Item): void {
    const index = this.items.findIndex(({ id }) => id === item.id);
    this.items = index < 0 ? [item, ...this.items] : this.items.with(index, item);
  }

  drop(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
  }
}
