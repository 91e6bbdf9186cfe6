/**
 * One take's way to the server over the socket: resumes after drops, sends no more than ten seconds ahead, and ends with
 * `done` or with what the person has to know. What it sends comes from the outbox, so nothing depends on this object.
 */
import type { Problem } from '../backend';
import { SUBPROTOCOL, readMessage, type ClientMessage, type ServerMessage } from '../../protocol/messages';
import { RATE } from './pcm';

/** What is sent ahead of `ack.received`. */
const AHEAD = 10 * RATE;
/** 100 ms a message, as docs/protocol.md advises. */
const MESSAGE = RATE / 10;
/** Heartbeats come each 5 s; a server silent for this long is gone. */
const SILENT_MS = 60_000;
const OPENING_MS = 15_000;
/** The server has forgotten the session. */
export const CANCELLED: Problem = { code: 'take.cancelled', message: 'cancelled' };

export interface LiveTake {
  session: string;
  language: string;
  /** First sample whose final the server has not stored. */
  stored: number;
}

/** Where the audio is, and who wants to know. */
export interface LiveSurroundings {
  open(protocols: string[]): WebSocket;
  ticket(): Promise<string[]>;
  /** PCM16 from a sample on. */
  audioFrom(sample: number): Promise<Uint8Array<ArrayBuffer>>;
  /** All messages but errors, in their order. */
  heard(message: ServerMessage): void;
  client: { name: string; version: string };
}

export type LiveEnd = { kind: 'done'; text: string; transcript: string } | { kind: 'dropped'; problem: Problem; retryable: boolean; waitMs: number | null };

export class LiveConnection {
  private socket: WebSocket | null = null;
  /** Next sample to send; -1 before `ready`. */
  private next = -1;
  private received = 0;
  private total: number | null = null;
  private finished = false;
  private unwanted = false;
  private pumping = false;
  private again = false;
  private watch: ReturnType<typeof setTimeout> | undefined;
  private readonly ended: Promise<LiveEnd>;
  private end!: (how: LiveEnd) => void;
  private failure: Extract<ServerMessage, { type: 'error' }> | null = null;

  constructor(
    private readonly take: LiveTake,
    private readonly around: LiveSurroundings,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  /** Runs until the connection ends, one way or the other. */
  async run(): Promise<LiveEnd> {
    let protocols: string[];
    try {
      protocols = [SUBPROTOCOL, ...(await this.around.ticket())];
    } catch (error) {
      const problem = error as Problem;
      return { kind: 'dropped', problem, retryable: !/^(auth|outbox)\./.test(problem.code), waitMs: (problem.retryAfterS ?? 0) * 1000 || null };
    }
    const socket = this.around.open(protocols);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.stillThere(OPENING_MS);
    socket.onopen = () =>
      this.say({
        type: 'start', session: this.take.session, resume_from: this.take.stored || null, audio: { encoding: 'pcm_s16le', sample_rate: RATE },
        language: this.take.language, partials: true, words: false, client: this.around.client,
      });
    socket.onmessage = ({ data }) => {
      this.stillThere(SILENT_MS);
      const message = typeof data === 'string' ? readMessage(data) : null;
      if (message) this.hear(message);
    };
    socket.onclose = ({ code }) => this.closed(code);
    const how = await this.ended;
    clearTimeout(this.watch);
    socket.onclose = socket.onmessage = null;
    socket.close();
    return how;
  }

  /** There is more audio, or (with a count) there will be none beyond it. */
  more(total?: number): void {
    if (total !== undefined) this.total = total;
    void this.pump();
  }

  /** Has the server forget the session, now or once it answers; it ends as `take.cancelled` only if the server said so. */
  cancel(): void {
    this.unwanted = true;
    this.stillThere(OPENING_MS);
    if (this.next >= 0) this.say({ type: 'cancel' });
  }

  private hear(message: ServerMessage): void {
    switch (message.type) {
      case 'error':
        this.failure = message;
        return;
      case 'ready':
        this.next = this.received = message.received;
        if (this.unwanted) this.say({ type: 'cancel' });
        break;
      case 'ack':
        this.received = Math.max(this.received, message.received);
        break;
      case 'done':
        this.around.heard(message);
        this.end({ kind: 'done', text: message.text, transcript: message.transcript });
        return;
      default:
    }
    this.around.heard(message);
    void this.pump();
  }

  private async pump(): Promise<void> {
    if (this.pumping) {
      this.again = true;
      return;
    }
    this.pumping = true;
    do {
      this.again = false;
      await this.sendWhatMayGo().catch(() => this.drop({ code: 'outbox.unreadable', message: 'the recording cannot be read' }, false, null));
    } while (this.again);
    this.pumping = false;
  }

  private async sendWhatMayGo(): Promise<void> {
    if (this.next < 0 || this.finished || this.unwanted || this.socket?.readyState !== WebSocket.OPEN) return;
    if (this.next < this.received + AHEAD && (this.total === null || this.next < this.total)) {
      const from = this.next;
      const audio = await this.around.audioFrom(from);
      const most = Math.min(audio.byteLength, (this.received + AHEAD - from) * 2);
      for (let at = 0; at < most; at += MESSAGE * 2) this.socket.send(audio.subarray(at, Math.min(most, at + MESSAGE * 2)));
      this.next = from + most / 2;
    }
    if (this.total !== null && this.next >= this.total && !this.finished) {
      this.finished = true;
      this.say({ type: 'finish', samples: this.total });
    }
  }

  private say(message: ClientMessage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private stillThere(patienceMs: number): void {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.drop({ code: 'server.unreachable', message: 'the server is silent' }, true, null), patienceMs);
  }

  private closed(code: number): void {
    const failure = this.failure;
    if (this.unwanted && code === 1000) this.drop(CANCELLED, false, null);
    else if (failure) this.drop({ code: failure.code, message: failure.message }, failure.retryable || code === 4401, failure.retry_after_ms ?? null);
    else if (code === 4409) this.drop({ code: 'session.taken_over', message: 'another page continues it' }, false, null);
    else this.drop({ code: 'server.unreachable', message: 'the connection was lost' }, true, null);
  }

  private drop(problem: Problem, retryable: boolean, waitMs: number | null): void {
    this.end({ kind: 'dropped', problem, retryable, waitMs });
  }
}
