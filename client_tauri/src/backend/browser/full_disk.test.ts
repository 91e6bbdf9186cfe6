import { expect, test, vi } from 'vitest';

import { Locks } from '../../../tests/unit/machine';
import type { Api } from './api';
import { Dictation, type Around } from './dictation';
import { Outbox, type KeptTake } from './outbox';
import { Uploads } from './uploads';
import type { Vault } from './vault';

const microphone = vi.hoisted((): { hear(sound: Float32Array): void } => ({ hear: () => undefined }));
vi.mock('./microphone', () => ({
  capture: (_: unknown, heard: (sound: Float32Array) => void) => {
    microphone.hear = heard;
    return Promise.resolve({ stop: () => Promise.resolve() });
  },
}));
vi.stubGlobal('IDBKeyRange', { bound: () => undefined });
vi.stubGlobal('navigator', { locks: new Locks() });

/** A vault that takes nothing once its disk is full, and whose audio may have become unreadable. */
class Disk {
  full = false;
  unreadable = false;
  readonly chunks = new Map<number, Uint8Array<ArrayBuffer>>();

  put(_: string, [, at]: [string, number], bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.full) return Promise.reject(new DOMException('full', 'QuotaExceededError'));
    this.chunks.set(at, bytes);
    return Promise.resolve();
  }
  putJson(): Promise<void> {
    return this.full ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : Promise.resolve();
  }
  get(_: string, [, at]: [string, number]): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return Promise.resolve(this.unreadable ? undefined : this.chunks.get(at));
  }
  getJson(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  keys(): Promise<unknown[]> {
    return Promise.resolve([...this.chunks.keys()].toSorted((a, b) => a - b).map((at) => ['t', at]));
  }
  forget(): Promise<void> {
    this.chunks.clear();
    return Promise.resolve();
  }
}

function kept(disk: Disk): Outbox {
  return new Outbox(disk as unknown as Vault, () => undefined);
}

function dictating(outbox: Outbox): { dictation: Dictation; notices: string[]; waiting: () => number } {
  const notices: string[] = [];
  let waits = 0;
  const around = {
    outbox, mayGoLive: () => false, language: () => 'ru', person: () => null, microphone: () => null, changed: () => undefined, level: () => undefined,
    notice: ({ code }: { code: string }) => notices.push(code), finished: () => undefined, waiting: () => (waits += 1),
  };
  return { dictation: new Dictation(around as unknown as Around), notices, waiting: () => waits };
}

const SECOND = new Float32Array(16_000).fill(0.1);

test.each(['while somebody speaks', 'when they end'])('a disk that is full %s leaves the take to be sent from memory', async (when) => {
  const disk = new Disk();
  const outbox = kept(disk);
  const { dictation, notices, waiting } = dictating(outbox);
  await dictation.begin();
  microphone.hear(SECOND);
  if (when === 'when they end') await vi.waitFor(() => expect(disk.chunks.size).toBe(1));
  disk.full = true;
  if (when === 'when they end') await dictation.end();
  await vi.waitFor(() => expect(dictation.state.state).toBe('idle'));
  expect(notices).toEqual(['outbox.full_disk']);
  expect(waiting()).toBe(1);
  const [take] = outbox.all();
  expect(take).toMatchObject({ state: 'pending', samples: SECOND.length });
  disk.full = false;
  expect((await outbox.audioFrom(take!.take, 0)).byteLength).toBe(2 * SECOND.length);
});

test('a dictation can be cancelled on a full disk', async () => {
  const disk = new Disk();
  const { dictation } = dictating(kept(disk));
  await dictation.begin();
  disk.full = true;
  await dictation.cancel();
  expect(dictation.state.state).toBe('cancelled');
});

test('a recording that cannot be read is kept and said to be so, not taken for silence', async () => {
  const disk = new Disk();
  const outbox = kept(disk);
  await outbox.begin('t', 'ru', null);
  await outbox.append('t', new Uint8Array(32_000));
  await outbox.change('t', { state: 'pending' });
  disk.unreadable = true;
  const texts: string[] = [];
  const uploads = new Uploads(outbox, { as: () => ({}) } as unknown as Api, () => ({}) as never, (_: KeptTake, text) => texts.push(text), () => true, () => null);
  void uploads.run();
  await vi.waitFor(() => expect(outbox.get('t')).toMatchObject({ state: 'failed', problem: { code: 'outbox.unreadable', action: 'retry' } }));
  uploads.stop();
  expect(texts).toEqual([]);
});

test('a full disk does not end the sending of what is on it', async () => {
  const disk = new Disk();
  const outbox = kept(disk);
  await outbox.begin('t', 'ru', null);
  await outbox.append('t', new Uint8Array(32_000));
  await outbox.change('t', { state: 'pending' });
  disk.full = true;
  const done = { state: 'done', received_bytes: 32_000, transcript: 'h' };
  const api = { as: (): unknown => api, json: ({ path }: { path: string }) => Promise.resolve(path.startsWith('/v1/history') ? { text: 'привет' } : done) };
  const texts: string[] = [];
  const uploads = new Uploads(outbox, api as unknown as Api, () => ({}) as never, (_: KeptTake, text) => texts.push(text), () => true, () => null);
  void uploads.run();
  await vi.waitFor(() => expect(texts).toEqual(['привет']));
  uploads.stop();
  expect(outbox.get('t')).toBeUndefined();
});
