/** What somebody types into a form: kept on this computer until the server has it, sent when the server is back. */
import { asProblem, type Problem } from '../backend/backend';
import type { App } from './app.svelte';

export class Draft<Fields extends object> {
  fields = $state<Fields | null>(null);
  /** Why it was not saved. */
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);

  /** @param kept name of the sealed copy. */
  constructor(
    private readonly app: App,
    private readonly kept: string,
    private readonly send: (fields: Fields) => Promise<void>,
  ) {}

  /** Begins with what was typed last and is not saved yet, if nothing else is open. */
  async restore(): Promise<void> {
    const kept = (await this.app.backend.cacheRead(this.kept).catch(() => null)) as Fields | null;
    if (kept && !this.fields) this.fields = kept;
  }

  open(fields: Fields): void {
    [this.fields, this.problem] = [fields, null];
  }

  /** To be called as somebody types. */
  keep(): void {
    if (this.fields) void this.app.backend.cacheWrite(this.kept, $state.snapshot(this.fields)).catch(() => undefined);
  }

  async save(): Promise<void> {
    const sent = this.fields;
    if (!sent || this.busy) return;
    [this.busy, this.problem] = [true, null];
    this.keep();
    try {
      await this.send($state.snapshot(sent) as Fields);
      if (this.fields === sent) this.close();
    } catch (error) {
      this.problem = asProblem(error);
    }
    this.busy = false;
  }

  /** Whether it waits for the server and nothing else. */
  get waits(): boolean {
    return this.fields !== null && this.problem?.code === 'server.unreachable';
  }

  close(): void {
    [this.fields, this.problem] = [null, null];
    void this.app.backend.cacheForget(this.kept).catch(() => undefined);
  }
}
