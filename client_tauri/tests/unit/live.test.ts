import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { LiveConnection, type LiveSurroundings } from '../../src/backend/browser/live';

const RATE = 16_000;
const LIMITS = { max_message_bytes: 524_288, max_session_s: 14_400, idle_s: 60, resume_s: 300 };

/** The server's end of a socket, in the hands of a test. */
class Wire {
  static readonly OPEN = 1;
  readyState = 1;
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly said: Record<string, unknown>[] = [];
  audio = 0;
  send(what: string | Uint8Array): void {
    if (typeof what === 'string') this.said.push(JSON.parse(what) as Record<string, unknown>);
    else this.audio += what.byteLength / 2;
  }
  close(): void {
    this.readyState = 3;
  }
  tells(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const settle = (): Promise<void> => vi.advanceTimersByTimeAsync(1).then(() => undefined);

function taking(samples: number, stored = 0): { wire: Wire; live: LiveConnection; heard: string[]; ended: Promise<unknown> } {
  const wire = new Wire();
  const heard: string[] = [];
  const around: LiveSurroundings = {
    open: () => wire as unknown as WebSocket,
    ticket: () => Promise.resolve(['ticket.tk_1']),
    audioFrom: (from) => Promise.resolve(new Uint8Array((samples - from) * 2)),
    heard: ({ type }) => heard.push(type),
    client: { name: 'test', version: '1' },
  };
  const live = new LiveConnection({ session: '0192f7a4-7c11', language: 'ru', stored }, around);
  return { wire, live, heard, ended: live.run() };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Wire);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a take on its way', () => {
  test('begins anew without resume_from, and sends from where the server asks', async () => {
    const { wire, live } = taking(8000);
    await settle();
    wire.onopen?.();
    expect(wire.said[0]).toMatchObject({ type: 'start', session: '0192f7a4-7c11', resume_from: null, language: 'ru' });
    live.more();
    await settle();
    expect(wire.audio).toBe(0);
    wire.tells({ type: 'ready', session: '0192f7a4-7c11', received: 0, limits: LIMITS });
    await settle();
    expect(wire.audio).toBe(8000);
  });

  test('is resumed from what is stored', async () => {
    const { wire, live } = taking(40_000, 16_000);
    await settle();
    wire.onopen?.();
    expect(wire.said[0]).toMatchObject({ resume_from: 16_000 });
    wire.tells({ type: 'ready', session: '0192f7a4-7c11', received: 24_000, limits: LIMITS });
    live.more(40_000);
    await settle();
    expect(wire.audio).toBe(16_000);
    expect(wire.said.at(-1)).toEqual({ type: 'finish', samples: 40_000 });
  });

  test('runs no more than ten seconds ahead of what the server has', async () => {
    const { wire, live } = taking(30 * RATE);
    await settle();
    wire.tells({ type: 'ready', session: '0192f7a4-7c11', received: 0, limits: LIMITS });
    live.more(30 * RATE);
    await settle();
    expect(wire.audio).toBe(10 * RATE);
    wire.tells({ type: 'ack', received: 5 * RATE, stored: 0 });
    await settle();
    expect(wire.audio).toBe(15 * RATE);
    expect(wire.said.some(({ type }) => type === 'finish')).toBe(false);
  });

  test('is over with done, and not before', async () => {
    const { wire, heard, ended } = taking(100);
    await settle();
    wire.tells({ type: 'mood', good: true });
    wire.tells({ type: 'done', transcript: 't', text: 'Так.', audio_seconds: 1, finalisation_ms: 1 });
    expect(await ended).toEqual({ kind: 'done', text: 'Так.', transcript: 't' });
    expect(heard).toEqual(['done']);
  });
});

describe('a take that nobody wants any more', () => {
  test('is forgotten by a server that says so', async () => {
    const { wire, live, ended } = taking(8000);
    await settle();
    wire.tells({ type: 'ready', session: '0192f7a4-7c11', received: 0, limits: LIMITS });
    live.cancel();
    expect(wire.said.at(-1)).toEqual({ type: 'cancel' });
    wire.onclose?.({ code: 1000 });
    expect(await ended).toMatchObject({ problem: { code: 'take.cancelled' } });
  });

  test('is not taken for forgotten when the connection is lost first', async () => {
    const { wire, live, ended } = taking(8000);
    await settle();
    wire.tells({ type: 'ready', session: '0192f7a4-7c11', received: 0, limits: LIMITS });
    live.cancel();
    wire.onclose?.({ code: 1006 });
    expect(await ended).toMatchObject({ retryable: true, problem: { code: 'server.unreachable' } });
  });

  test('is forgotten as soon as the server answers, and no more of it is sent', async () => {
    const { wire, live } = taking(8000);
    live.cancel();
    await settle();
    wire.tells({ type: 'ready', session: '0192f7a4-7c11', received: 0, limits: LIMITS });
    live.more();
    await settle();
    expect(wire.said.at(-1)).toEqual({ type: 'cancel' });
    expect(wire.audio).toBe(0);
  });
});

describe('a take whose connection is lost', () => {
  test('is told why, whether to come back, and when', async () => {
    const { wire, ended } = taking(100);
    await settle();
    wire.tells({ type: 'error', code: 'server.overloaded', message: 'm', retryable: true, retry_after_ms: 2000 });
    wire.onclose?.({ code: 1013 });
    expect(await ended).toMatchObject({ kind: 'dropped', retryable: true, waitMs: 2000, problem: { code: 'server.overloaded' } });
  });

  test('does not come back when another page has it', async () => {
    const { wire, ended } = taking(100);
    await settle();
    wire.onclose?.({ code: 4409 });
    expect(await ended).toMatchObject({ retryable: false, problem: { code: 'session.taken_over' } });
  });

  test('gives a silent server a minute', async () => {
    const { wire, ended } = taking(100);
    await settle();
    wire.tells({ type: 'heartbeat', received: 0, queue_ms: 0 });
    await vi.advanceTimersByTimeAsync(59_000);
    wire.tells({ type: 'heartbeat', received: 0, queue_ms: 0 });
    await vi.advanceTimersByTimeAsync(60_001);
    expect(await ended).toMatchObject({ retryable: true, problem: { code: 'server.unreachable' } });
  });
});
