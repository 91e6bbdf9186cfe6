import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Dictation, type Around } from '../../src/backend/browser/dictation';
import type { LiveSurroundings } from '../../src/backend/browser/live';
import { Outbox } from '../../src/backend/browser/outbox';
import { Locks, RANGES, vaultOver } from './machine';

vi.mock('../../src/backend/browser/microphone', () => ({ capture: () => Promise.resolve({ stop: () => Promise.resolve() }) }));

const LIMITS = { max_message_bytes: 524_288, max_session_s: 14_400, idle_s: 60, resume_s: 300 };

/** The server's end of the socket. */
class Wire {
  static readonly OPEN = 1;
  readyState = 1;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly said: string[] = [];
  send(what: string): void {
    this.said.push((JSON.parse(what) as { type: string }).type);
  }
  close(): void {
    this.readyState = 3;
  }
  tells(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

beforeEach(() => {
  vi.stubGlobal('WebSocket', Wire);
  vi.stubGlobal('IDBKeyRange', RANGES);
  vi.stubGlobal('navigator', { locks: new Locks() });
});
afterEach(() => vi.unstubAllGlobals());

/** A dictation whose socket is open and has not heard of the server yet. */
async function begun(): Promise<{ dictation: Dictation; outbox: Outbox; wire: Wire; take: string }> {
  const outbox = new Outbox(vaultOver(new Map()), () => undefined);
  const wire = new Wire();
  const surroundings = (_: unknown, heard: LiveSurroundings['heard']): LiveSurroundings => ({
    open: () => wire as unknown as WebSocket, ticket: () => Promise.resolve([]), audioFrom: () => Promise.resolve(new Uint8Array()), heard,
    client: { name: 'test', version: '1' },
  });
  const nothing = (): undefined => undefined;
  const around = {
    outbox, surroundings, mayGoLive: () => true, language: () => 'ru', person: () => null, microphone: () => null,
    changed: nothing, level: nothing, notice: nothing, finished: nothing, waiting: nothing,
  };
  const dictation = new Dictation(around as unknown as Around);
  await dictation.begin();
  await vi.waitFor(() => expect(wire.onmessage).not.toBeNull());
  return { dictation, outbox, wire, take: dictation.state.take ?? '' };
}

const ready = (take: string): object => ({ type: 'ready', session: take, received: 0, limits: LIMITS });

test('a dictation the server has is live', async () => {
  const { outbox, wire, take } = await begun();
  wire.tells(ready(take));
  await vi.waitFor(() => expect(outbox.get(take)).toMatchObject({ state: 'live', known: true }));
});

test('a dictation cancelled before the server answered stays cancelled, and the server is told when it does', async () => {
  const { dictation, outbox, wire, take } = await begun();
  await dictation.cancel();
  wire.tells(ready(take));
  wire.tells({ type: 'partial', utterance: 0, revision: 1, start: 0, stable: 'нет', tail: '' });
  expect(wire.said.at(-1)).toBe('cancel');
  // The server has a part of it until it says that it has not.
  await vi.waitFor(() => expect(outbox.get(take)).toMatchObject({ state: 'cancelled', known: true }));
  expect(dictation.state).toMatchObject({ state: 'cancelled', stable: '', tail: '' });
  wire.onclose?.({ code: 1000 });
  await vi.waitFor(() => expect(outbox.get(take)).toMatchObject({ state: 'cancelled', known: false }));
});

test('what was brought back before the server answered is not taken for live then', async () => {
  vi.useFakeTimers();
  const { dictation, outbox, wire, take } = await begun();
  await dictation.cancel();
  const undone = dictation.undoCancel();
  await vi.advanceTimersByTimeAsync(5_000);
  await undone;
  expect(outbox.get(take)).toMatchObject({ state: 'pending', known: false });
  wire.tells(ready(take));
  await vi.advanceTimersByTimeAsync(1);
  expect(outbox.get(take)).toMatchObject({ state: 'pending', known: false });
  vi.useRealTimers();
});
