import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Api } from '../../src/backend/browser/api';
import { Outbox } from '../../src/backend/browser/outbox';
import { Uploads } from '../../src/backend/browser/uploads';
import { Locks, RANGES, vaultOver } from './machine';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('IDBKeyRange', RANGES);
  vi.stubGlobal('navigator', { locks: new Locks() });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Takes on their way to a server that makes no text of a recording before it is told to. */
async function sending(...takes: string[]): Promise<{ uploads: Uploads; outbox: Outbox; asked: string[]; ready: Set<string>; arrived: string[] }> {
  const [asked, ready, arrived]: [string[], Set<string>, string[]] = [[], new Set(), []];
  const outbox = new Outbox(vaultOver(new Map()), () => undefined);
  for (const take of takes) {
    await outbox.begin(take, 'ru', null);
    await outbox.append(take, new Uint8Array(32_000));
    await outbox.change(take, { state: 'pending' });
    await vi.advanceTimersByTimeAsync(1);
  }
  const api = {
    as: (): unknown => api,
    json: ({ method, path }: { method: string; path: string }) => {
      const take = path.replace('/v1/recordings/', '');
      asked.push(`${method} ${take}`);
      return Promise.resolve({ state: ready.has(take) ? 'done' : 'waiting', received_bytes: 32_000, transcript: null });
    },
  };
  const uploads = new Uploads(outbox, api as unknown as Api, () => ({}) as never, ({ take }) => arrived.push(take), () => true, () => null);
  void uploads.run();
  return { uploads, outbox, asked, ready, arrived };
}

const announced = (asked: string[]): number => asked.filter((one) => one.startsWith('PUT')).length;

test('a recording whose text is long in coming holds up no other, and its text comes when it is there', async () => {
  const { uploads, outbox, ready, arrived } = await sending('slow', 'quick');
  ready.add('quick');
  await vi.waitFor(() => expect(arrived).toEqual(['quick']));
  expect(outbox.get('slow')).toMatchObject({ state: 'uploading' });
  ready.add('slow');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(arrived).toEqual(['quick', 'slow']);
  expect(outbox.all()).toEqual([]);
  uploads.stop();
});

test('the longer a text takes the less often it is asked for', async () => {
  const { uploads, asked } = await sending('slow');
  await vi.waitFor(() => expect(announced(asked)).toBe(1));
  await vi.advanceTimersByTimeAsync(60_000);
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length - before).toBe(6);
  uploads.stop();
});

test('of many recordings whose texts are long in coming some wait here until one of those has come', async () => {
  const takes = Array.from({ length: 12 }, (_, index) => `t${index}`);
  const { uploads, asked, ready, arrived } = await sending(...takes);
  await vi.waitFor(() => expect(announced(asked)).toBe(9));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(announced(asked)).toBe(9);
  ready.add('t3');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(arrived).toEqual(['t3']);
  await vi.waitFor(() => expect(announced(asked)).toBe(10));
  for (const take of takes) ready.add(take);
  await vi.advanceTimersByTimeAsync(20_000);
  await vi.waitFor(() => expect(arrived.toSorted()).toEqual(takes.toSorted()));
  uploads.stop();
});
