/**
 * A list of the server's as a screen shows it: first what this computer has a sealed copy of, then what the server has.
 * Without a server the copy stays, and the screen says so.
 */
import { asProblem, type Call, type Problem } from '../backend/backend';
import { t } from '../messages/messages.svelte';
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

  /** Makes a thing of the library, or changes the one with that id unless somebody else did meanwhile. */
  async store(path: string, { id, change }: { id: string | null; change?: number | null }, body: unknown): Promise<Item> {
    const call = id === null ? ({ method: 'POST', path, body } as const) : ({ method: 'PATCH', path: `${path}/${id}`, query: { if_change: change ?? undefined }, body } as const);
    const stored = (await this.app.backend.request(call)) as Item;
    this.put(stored);
    return stored;
  }

  /** Deletes a thing of the library and offers to bring it back as `body` has it. Resolves with whether it is gone. */
  async remove(path: string, { id }: Item, body: unknown): Promise<boolean> {
    if (!(await this.app.attempt(() => this.app.backend.request({ method: 'DELETE', path: `${path}/${id}` })))) return false;
    this.drop(id);
    this.app.tell(t('history.deleted'), () => void this.app.attempt(() => this.store(path, { id: null }, body)));
    return true;
  }
}
