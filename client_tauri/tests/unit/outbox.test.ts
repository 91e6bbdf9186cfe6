import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Outbox } from '../../src/backend/browser/outbox';
import type { Vault } from '../../src/backend/browser/vault';
import { Locks } from './machine';

/** What the outbox needs of a vault, in memory. */
function memory(): Vault {
  const things = new Map<string, unknown>();
  const name = (store: string, id: unknown): string => JSON.stringify([store, id]);
  return {
    keys: () => Promise.resolve([]),
    get: (store: string, id: unknown) => Promise.resolve(things.get(name(store, id))),
    getJson: (store: string, id: unknown) => Promise.resolve(things.get(name(store, id))),
    put: (store: string, id: unknown, value: unknown) => Promise.resolve(void things.set(name(store, id), value)),
    putJson: (store: string, id: unknown, value: unknown) => Promise.resolve(void things.set(name(store, id), value)),
    forget: (store: string, id: unknown) => Promise.resolve(void things.delete(name(store, id))),
  } as unknown as Vault;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('IDBKeyRange', { bound: () => 'all' });
  vi.stubGlobal('navigator', { locks: new Locks() });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function cancelled(known: boolean): Promise<Outbox> {
  const outbox = new Outbox(memory(), () => undefined);
  await outbox.begin('take', 'ru', null);
  await outbox.change('take', { state: 'cancelled', known, endedAt: Date.now() });
  return outbox;
}

test('a cancelled take of which the server has a part is owed to it once it cannot be brought back', async () => {
  const outbox = await cancelled(true);
  expect(outbox.owed(null)).toBeUndefined();
  vi.advanceTimersByTime(11_000);
  expect(outbox.owed(null)?.take).toBe('take');
  await outbox.change('take', { known: false });
  expect(outbox.owed(null)).toBeUndefined();
});

test('a take the server never heard of is owed to nobody', async () => {
  const outbox = await cancelled(false);
  vi.advanceTimersByTime(11_000);
  expect(outbox.owed(null)).toBeUndefined();
});

test('a removed take stays until the server has forgotten its part', async () => {
  const outbox = await cancelled(true);
  await outbox.change('take', { removedAt: Date.now() });
  vi.advanceTimersByTime(11_000);
  await outbox.tidy(30);
  expect(outbox.get('take')).toBeDefined();
  await outbox.change('take', { known: false });
  await outbox.tidy(30);
  expect(outbox.get('take')).toBeUndefined();
});

test('all that wait or failed are tried again, and nothing that was dropped, removed or is on its way', async () => {
  const outbox = new Outbox(memory(), () => undefined);
  const states = ['pending', 'failed', 'cancelled', 'uploading', 'recording', 'live', 'stored'] as const;
  for (const state of states) {
    await outbox.begin(state, 'ru', null);
    await outbox.change(state, { state, attempts: 4, nextAttemptAt: 9e15 });
  }
  await outbox.begin('removed', 'ru', null);
  await outbox.change('removed', { state: 'failed', attempts: 4, removedAt: Date.now() });
  await outbox.retryAll(null);
  const tried = [...states, 'removed'].filter((take) => outbox.get(take)?.attempts === 0);
  expect(tried).toEqual(['pending', 'failed']);
  for (const take of tried) expect(outbox.get(take)).toMatchObject({ state: 'pending', nextAttemptAt: null });
});

test('a session that can never be resumed is tried again as a recording, alone or with all others', async () => {
  for (const again of [(outbox: Outbox) => outbox.retry('take', null), (outbox: Outbox) => outbox.retryAll(null)]) {
    const outbox = await cancelled(true);
    await outbox.change('take', { state: 'failed', problem: { code: 'session.forbidden', message: '' } });
    await again(outbox);
    expect(outbox.get('take')).toMatchObject({ state: 'pending', known: false });
  }
});

test('a take that cannot be written down keeps no other from being tried again', async () => {
  const vault = memory();
  const outbox = new Outbox(vault, () => undefined);
  for (const take of ['first', 'second', 'third']) {
    await outbox.begin(take, 'ru', null);
    await outbox.change(take, { state: 'failed' });
  }
  const full = { code: 'outbox.full_disk', message: '' };
  vi.spyOn(vault, 'putJson').mockImplementation((_, take) => (take === 'second' ? Promise.reject(full) : Promise.resolve()));
  await expect(outbox.retryAll(null)).rejects.toBe(full);
  expect(outbox.all().map(({ state }) => state)).toEqual(['pending', 'pending', 'pending']);
});
