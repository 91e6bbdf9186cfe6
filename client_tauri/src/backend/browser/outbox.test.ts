import { expect, test, vi } from 'vitest';

import { Locks } from '../../../tests/unit/machine';
import { Outbox } from './outbox';
import type { Vault } from './vault';

vi.stubGlobal('IDBKeyRange', { bound: () => undefined });
vi.stubGlobal('navigator', { locks: new Locks() });

/** A vault whose first write of audio waits until it is let go, or fails. */
function slowVault(first: Promise<void>): { vault: Vault; rows: Map<string, unknown> } {
  const chunks = new Map<number, Uint8Array<ArrayBuffer>>();
  const rows = new Map<string, unknown>();
  let writes = 0;
  const vault = {
    put: async (_: string, [, at]: [string, number], bytes: Uint8Array<ArrayBuffer>) => {
      if ((writes += 1) === 1) await first;
      chunks.set(at, bytes);
    },
    get: (_: string, [, at]: [string, number]) => Promise.resolve(chunks.get(at)),
    keys: () => Promise.resolve([...chunks.keys()].toSorted((a, b) => a - b).map((at) => ['t', at])),
    putJson: (_: string, take: string, row: unknown) => Promise.resolve(rows.set(take, row)),
    forget: (store: string, take: string) => Promise.resolve(store === 'takes' ? rows.delete(take) : chunks.clear()),
  };
  return { vault: vault as unknown as Vault, rows };
}

const piece = (value: number): Uint8Array<ArrayBuffer> => new Uint8Array([value, 0, value, 0]);

test('audio is read whole and in order though its first part is written slowly', async () => {
  let release = (): void => undefined;
  const { vault } = slowVault(new Promise((resolve) => (release = resolve)));
  const outbox = new Outbox(vault, () => undefined);
  await outbox.begin('t', 'ru', null);
  await outbox.append('t', piece(1));
  const first = outbox.flush('t');
  await outbox.append('t', piece(2));
  const read = outbox.audioFrom('t', 0);
  release();
  await first;
  expect([...(await read)]).toEqual([...piece(1), ...piece(2)]);
});

test('what the disk did not take is there when it takes it', async () => {
  const { vault } = slowVault(Promise.reject(new Error('full')));
  const outbox = new Outbox(vault, () => undefined);
  await outbox.begin('t', 'ru', null);
  await outbox.append('t', piece(1));
  await expect(outbox.flush('t')).rejects.toThrow('full');
  await outbox.append('t', piece(2));
  expect([...(await outbox.audioFrom('t', 0))]).toEqual([...piece(1), ...piece(2)]);
});

test('a take that is forgotten does not come back with a write that was on its way', async () => {
  let release = (): void => undefined;
  const { vault, rows } = slowVault(new Promise((resolve) => (release = resolve)));
  const outbox = new Outbox(vault, () => undefined);
  await outbox.begin('t', 'ru', null);
  await outbox.append('t', piece(1));
  const flushed = outbox.flush('t');
  const changed = outbox.change('t', { stored: 1 });
  const forgotten = outbox.forget('t');
  release();
  await Promise.all([flushed, changed, forgotten]);
  expect(rows.size).toBe(0);
  expect([...(await outbox.audioFrom('t', 0))]).toEqual([]);
});
