/** What a person prefers on all of their devices (`/v1/preferences`). */
import { asProblem, type Problem } from '../backend/backend';
import type { App } from './app.svelte';
import type { Preferences } from './things';

const KEPT = 'preferences';

export class PreferencesShelf {
  values = $state.raw<Preferences>({});
  problem = $state.raw<Problem | null>(null);

  constructor(private readonly app: App) {}

  async load(): Promise<void> {
    const { backend } = this.app;
    try {
      this.values = ((await backend.request({ method: 'GET', path: '/v1/preferences' })) as { values: Preferences }).values;
      this.problem = null;
      await backend.cacheWrite(KEPT, this.values).catch(() => undefined);
    } catch (error) {
      this.values = ((await backend.cacheRead(KEPT).catch(() => null)) as Preferences | null) ?? {};
      this.problem = asProblem(error);
    }
  }

  async change(patch: Preferences): Promise<void> {
    const before = this.values;
    this.values = { ...before, ...patch };
    const done = await this.app.attempt(async () => {
      this.values = ((await this.app.backend.request({ method: 'PATCH', path: '/v1/preferences', body: patch })) as { values: Preferences }).values;
    });
    if (!done) this.values = before;
  }
}
