/**
 * The messages of `alfavoice.v1` (docs/protocol.md), as a client writes and reads them. Held to tests/vectors.
 *
 * Positions count samples from the beginning of the session at the rate named in `start`.
 */

export const SUBPROTOCOL = 'alfavoice.v1';

export interface Start {
  type: 'start';
  session: string;
  resume_from: number | null;
  audio: { encoding: 'pcm_s16le'; sample_rate: number };
  language: string;
  partials: boolean;
  words: boolean;
  client: { name: string; version: string };
}

export type ClientMessage = Start | { type: 'finish'; samples: number } | { type: 'cancel' };

export interface Limits {
  max_message_bytes: number;
  max_session_s: number;
  idle_s: number;
  resume_s: number;
}

export interface Place {
  name: 'clipboard' | 'cursor';
  /** Code points from the beginning of the text. */
  offset: number;
}

export interface Final {
  type: 'final';
  utterance: number;
  start: number;
  end: number;
  text: string;
  raw: string;
  language: string;
  glue: string;
  erase: number;
  places: Place[];
}

export type ServerMessage =
  | { type: 'ready'; session: string; received: number; limits: Limits }
  | { type: 'ack'; received: number; stored: number }
  | { type: 'partial'; utterance: number; revision: number; start: number; stable: string; tail: string }
  | Final
  | { type: 'done'; transcript: string; text: string; audio_seconds: number; finalisation_ms: number }
  | { type: 'marker'; id: string }
  | { type: 'heartbeat'; received: number; queue_ms: number }
  | { type: 'error'; code: string; message: string; retryable: boolean; retry_after_ms?: number };

type Fields = Record<string, unknown>;
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const flag: Check = (value) => typeof value === 'boolean';
const object = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const has = (fields: Fields, checks: Record<string, Check>): boolean =>
  Object.entries(checks).every(([name, check]) => check(fields[name]));
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const LIMITS = { max_message_bytes: number, max_session_s: number, idle_s: number, resume_s: number };
const FINAL = { utterance: number, start: number, end: number, text, raw: text, language: text };
const PARTIAL = { utterance: number, revision: number, start: number, stable: text, tail: text };

/** Reads what the server sent; null for what is none of the protocol or newer than this client. */
export function readMessage(line: string): ServerMessage | null {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return null;
  }
  if (!object(fields)) return null;
  switch (fields['type']) {
    case 'ready':
      return has(fields, { session: text, received: number }) && object(fields['limits']) && has(fields['limits'], LIMITS)
        ? pick(fields, ['type', 'session', 'received', 'limits'])
        : null;
    case 'ack':
      return has(fields, { received: number, stored: number }) ? pick(fields, ['type', 'received', 'stored']) : null;
    case 'partial':
      return has(fields, PARTIAL) ? pick(fields, ['type', ...Object.keys(PARTIAL)]) : null;
    case 'final':
      return readFinal(fields);
    case 'done':
      return has(fields, { transcript: text, text, audio_seconds: number, finalisation_ms: number })
        ? pick(fields, ['type', 'transcript', 'text', 'audio_seconds', 'finalisation_ms'])
        : null;
    case 'marker':
      return has(fields, { id: text }) ? pick(fields, ['type', 'id']) : null;
    case 'heartbeat':
      return has(fields, { received: number, queue_ms: number }) ? pick(fields, ['type', 'received', 'queue_ms']) : null;
    case 'error':
      return readError(fields);
    default:
      return null;
  }
}

function readFinal(fields: Fields): ServerMessage | null {
  const words = fields['words'] ?? [];
  const places = fields['places'] ?? [];
  if (!has(fields, FINAL) || !listOf(object)(words) || !listOf(object)(places)) return null;
  const { glue = ' ', erase = 0 } = fields;
  if (!text(glue) || !number(erase)) return null;
  return { ...pick<Final>(fields, ['type', ...Object.keys(FINAL)]), glue: glue as string, erase: erase as number, places: places as Place[] };
}

function readError(fields: Fields): ServerMessage | null {
  if (!has(fields, { code: text, message: text, retryable: flag })) return null;
  const wait = fields['retry_after_ms'];
  if (wait !== undefined && wait !== null && !number(wait)) return null;
  return pick(fields, number(wait) ? ['type', 'code', 'message', 'retryable', 'retry_after_ms'] : ['type', 'code', 'message', 'retryable']);
}

function pick<Message extends ServerMessage>(fields: Fields, names: string[]): Message {
  return Object.fromEntries(names.map((name) => [name, fields[name]])) as unknown as Message;
}
