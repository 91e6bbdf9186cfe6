/** What a browser's pages share, in memory: the vault's database and Web Locks. */
import type { Vault } from '../../src/backend/browser/vault';

export type Rows = Map<string, Map<string, unknown>>;

const name = (id: unknown): string => JSON.stringify(id);
const inside = (id: unknown, range: unknown): boolean => {
  if (range === undefined) return true;
  const { lower, upper } = range as { lower: unknown; upper: unknown };
  return Array.isArray(id) ? id[0] === (lower as unknown[])[0] : String(id) >= String(lower) && String(id) <= String(upper);
};

/** Stands for `IDBKeyRange`. */
export const RANGES = { bound: (lower: unknown, upper: unknown) => ({ lower, upper }) };

/** A vault over those rows; two of them over the same ones are two pages. */
export function vaultOver(rows: Rows): Vault {
  const store = (of: string): Map<string, unknown> => rows.get(of) ?? rows.set(of, new Map()).get(of)!;
  const copy = (value: unknown): unknown => (value === undefined ? undefined : structuredClone(value));
  const keys = (of: string, range?: unknown): unknown[] =>
    [...store(of).keys()].map((id) => JSON.parse(id) as unknown).filter((id) => inside(id, range)).toSorted((a, b) => (Array.isArray(a) && Array.isArray(b) ? a[1] - b[1] : String(a) < String(b) ? -1 : 1));
  const put = (of: string, id: unknown, value: unknown): Promise<void> => Promise.resolve(void store(of).set(name(id), copy(value)));
  const get = (of: string, id: unknown): Promise<unknown> => Promise.resolve(copy(store(of).get(name(id))));
  return {
    put,
    get,
    putJson: (of: string, id: unknown, value: unknown) => put(of, id, JSON.parse(JSON.stringify(value))),
    getJson: get,
    keys: (of: string, range?: unknown) => Promise.resolve(keys(of, range)),
    forget: (of: string, what: unknown) => {
      for (const id of typeof what === 'object' ? keys(of, what) : [what]) store(of).delete(name(id));
      return Promise.resolve();
    },
  } as unknown as Vault;
}

type Held = (lock: object | null) => Promise<unknown>;

interface Options {
  ifAvailable?: boolean;
  signal?: AbortSignal;
}

/** Web Locks, exclusive ones, in the order they were asked for. */
export class Locks {
  /** Who waits for what is held. */
  private readonly lines = new Map<string, (() => void)[]>();

  async request(lock: string, ...rest: [Held] | [Options, Held]): Promise<unknown> {
    const what = rest.at(-1) as Held;
    const { ifAvailable, signal }: Options = rest.length > 1 ? (rest[0] as Options) : {};
    const line = this.lines.get(lock);
    if (line && ifAvailable) return what(null);
    if (line) await this.turn(line, signal);
    else this.lines.set(lock, []);
    try {
      return await what({});
    } finally {
      const next = this.lines.get(lock)?.shift();
      if (next) next();
      else this.lines.delete(lock);
    }
  }

  private turn(line: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      line.push(resolve);
      signal?.addEventListener('abort', () => {
        const at = line.indexOf(resolve);
        if (at < 0) return;
        line.splice(at, 1);
        reject(signal.reason as Error);
      });
    });
  }
}
