/**
 * Pages of one browser beside each other. Each take is in the hands of one page at most, by a Web Lock that ends with the
 * page however it ends; what a page does to one, the others hear.
 */
const LOCK = 'alfavoice-take-';
const CHANNEL = 'alfavoice';

export type News = { kind: 'take'; take: string } | { kind: 'account' };

interface Hold {
  /** How many here need it. */
  count: number;
  release(): Promise<void>;
}

/** The takes this page has in hand. */
export class Hands {
  private readonly held = new Map<string, Hold>();

  has(take: string): boolean {
    return this.held.has(take);
  }

  /** Takes one that begins here, until {@link letGo}. */
  keep(take: string): void {
    let open = (): void => undefined;
    const closed = new Promise<void>((resolve) => (open = resolve));
    const over = navigator.locks.request(LOCK + take, () => closed);
    this.held.set(take, { count: 1, release: () => (open(), over.then(() => undefined)) });
  }

  async letGo(take: string): Promise<void> {
    const hold = this.held.get(take);
    if (!hold || (hold.count -= 1) > 0) return;
    this.held.delete(take);
    await hold.release();
  }

  /**
   * Does something with a take in hand; undefined if another page has it for longer than the patience. `isNew`: it was not in hand
   * before, so another page may have changed it.
   */
  async with<Told>(take: string, patienceMs: number, what: (isNew: boolean) => Promise<Told>): Promise<Told | undefined> {
    const hold = this.held.get(take);
    if (!hold) return this.asked(take, patienceMs, what);
    hold.count += 1;
    try {
      return await what(false);
    } finally {
      await this.letGo(take);
    }
  }

  private async asked<Told>(take: string, patienceMs: number, what: (isNew: boolean) => Promise<Told>): Promise<Told | undefined> {
    const patience = new AbortController();
    const timer = patienceMs > 0 ? setTimeout(() => patience.abort(), patienceMs) : undefined;
    const begin = async (lock: Lock | null): Promise<Told | undefined> => {
      clearTimeout(timer);
      if (!lock) return undefined;
      let open = (): void => undefined;
      const closed = new Promise<void>((resolve) => (open = resolve));
      this.held.set(take, { count: 1, release: () => (open(), Promise.resolve()) });
      try {
        return await what(true);
      } finally {
        await this.letGo(take);
        // Somebody here may have come to need it meanwhile.
        await closed;
      }
    };
    try {
      return await navigator.locks.request(LOCK + take, patienceMs > 0 ? { signal: patience.signal } : { ifAvailable: true }, begin);
    } catch (error) {
      if (patience.signal.aborted) return undefined;
      throw error;
    }
  }
}

/** Tells the other pages, and hears them. */
export class Pages {
  private readonly channel = new BroadcastChannel(CHANNEL);

  constructor(heard: (news: News) => void) {
    this.channel.onmessage = ({ data }: MessageEvent<News>) => heard(data);
  }

  tell(news: News): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin (a channel has one origin and no such argument)
    this.channel.postMessage(news);
  }
}
