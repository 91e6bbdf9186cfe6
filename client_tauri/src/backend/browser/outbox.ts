/**
 * Takes and their audio, from the moment recording begins until the server says `done`. PCM16 at 16 kHz; a chunk is
 * half a second at most, so that a browser that dies loses no more.
 */
import { waits, type Problem, type Take, type TakeState } from '../backend';
import { Hands } from './pages';
import { RATE, wav } from './pcm';
import type { Vault } from './vault';
import { waitsFor, type Whose } from './whose';

export interface KeptTake {
  take: string;
  state: TakeState;
  beganAt: number;
  samples: number;
  language: string;
  /** The server has heard of it as a live session: then it is resumed as one, so that it comes to one transcript. */
  known: boolean;
  /** Samples before this are in finals that are stored. */
  stored: number;
  recovered: boolean;
  attempts: number;
  nextAttemptAt: number | null;
  uploaded: number;
  text: string | null;
  problem: Problem | null;
  endedAt: number | null;
  /** What {@link Outbox.remove} would take away, until then. */
  removedAt: number | null;
  /** Whose it is. Absent in what an earlier version left, until that is known. */
  person?: string | null;
}

const HALF_SECOND = RATE / 2;
/** How long a removed or cancelled take can be brought back. */
export const UNDO_MS = 10_000;
const DAY_MS = 86_400_000;
/** How long another page may have a take in hand that is to be changed here: longer, and it is being recorded or sent there. */
const PATIENCE_MS = 2_000;

const chunksOf = (take: string): IDBKeyRange => IDBKeyRange.bound([take, 0], [take, Infinity]);

export class Outbox {
  private readonly takes = new Map<string, KeptTake>();
  private readonly pieces = new Map<string, Uint8Array<ArrayBuffer>[]>();
  private readonly turns = new Map<string, Promise<void>>();
  /** In hand here: what is in memory of them counts. Of all others it is what was read last. */
  private readonly hands = new Hands();
  /** Over, and not wholly on the disk, so that no other page can send them. */
  private readonly lingering = new Set<string>();

  constructor(
    private readonly vault: Vault,
    private readonly changed: () => void,
    /** Other pages have to look at it again. */
    private readonly tell: (take: string) => void = () => undefined,
  ) {}

  /** Reads what is there, and what other pages have made of it. */
  async open(): Promise<void> {
    for (const id of await this.vault.keys('takes')) await this.read(id as string);
    await this.recover();
  }

  /** What a page was recording or sending when it died waits. */
  async recover(): Promise<void> {
    const inWork = [...this.takes.values()].filter(({ take, state }) => ['recording', 'live', 'uploading'].includes(state) && !this.hands.has(take));
    for (const { take } of inWork) {
      await this.holding(take, async ({ state }) => {
        if (state === 'uploading') await this.change(take, { state: 'pending' });
        if (state === 'recording' || state === 'live') await this.change(take, { state: 'pending', recovered: true, samples: await this.lengthOnDisk(take), endedAt: Date.now() });
      });
    }
  }

  /** Another page has done something to it. */
  async heard(take: string): Promise<void> {
    await this.read(take);
    this.changed();
  }

  /** Does something with a take that no other page has in hand, as it is now; undefined if one has, or it is gone. */
  holding<Told>(take: string, what: (kept: KeptTake) => Promise<Told>, patienceMs = 0): Promise<Told | undefined> {
    return this.hands.with(take, patienceMs, async (isNew) => {
      if (isNew) await this.read(take, { isOwn: true });
      const kept = this.takes.get(take);
      return kept && what(kept);
    });
  }

  /** It is over here: any page may send it, as soon as all of it is on the disk. */
  async letGo(take: string): Promise<void> {
    this.lingering.add(take);
    await this.settle(take).catch(() => undefined);
  }

  private async settle(take: string): Promise<void> {
    if (this.takes.has(take)) {
      await this.flush(take);
      await this.change(take, {});
    }
    if (!this.lingering.delete(take)) return;
    await this.hands.letGo(take);
    this.tell(take);
  }

  private async read(take: string, { isOwn }: { isOwn: boolean } = { isOwn: false }): Promise<void> {
    if (!isOwn && this.hands.has(take)) return;
    const row = (await this.vault.getJson('takes', take)) as KeptTake | undefined;
    if (!isOwn && this.hands.has(take)) return;
    const known = this.takes.get(take);
    if (!row) this.takes.delete(take);
    else if (known) Object.assign(known, row);
    else this.takes.set(take, row);
  }

  async begin(take: string, language: string, person: Whose): Promise<void> {
    const kept: KeptTake = {
      take, language, person, state: 'recording', beganAt: Date.now(), samples: 0, known: false, stored: 0, recovered: false, attempts: 0,
      nextAttemptAt: null, uploaded: 0, text: null, problem: null, endedAt: null, removedAt: null,
    };
    this.hands.keep(take);
    this.takes.set(take, kept);
    await this.vault.putJson('takes', take, kept);
    this.changed();
    this.tell(take);
  }

  get(take: string): KeptTake | undefined {
    return this.takes.get(take);
  }

  all(): KeptTake[] {
    return [...this.takes.values()].filter((take) => take.removedAt === null).toSorted((a, b) => b.beganAt - a.beganAt);
  }

  /** Adds audio; it is on the disk each half second. */
  async append(take: string, pcm: Uint8Array<ArrayBuffer>): Promise<void> {
    const kept = this.takes.get(take);
    if (!kept) return;
    const waiting = this.pieces.get(take) ?? [];
    waiting.push(pcm);
    this.pieces.set(take, waiting);
    kept.samples += pcm.byteLength / 2;
    if (waiting.reduce((sum, piece) => sum + piece.byteLength / 2, 0) >= HALF_SECOND) await this.flush(take);
  }

  /** Puts on the disk what is only in memory. What cannot be written stays there, to be tried again. */
  flush(take: string): Promise<void> {
    return this.inTurn(take, async () => {
      const waiting = this.pieces.get(take);
      const kept = this.takes.get(take);
      if (!waiting?.length || !kept) return;
      const many = waiting.length;
      await this.vault.put('chunks', [take, kept.samples - this.inMemory(take)], joined(waiting));
      waiting.splice(0, many);
    });
  }

  /** The audio from a sample on, out of the disk. */
  async audioFrom(take: string, sample: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.flush(take);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (const id of await this.vault.keys('chunks', chunksOf(take))) {
      const first = (id as [string, number])[1];
      const bytes = await this.vault.get('chunks', id);
      if (bytes && first + bytes.byteLength / 2 > sample) parts.push(bytes.slice(Math.max(0, sample - first) * 2));
    }
    return joined(parts);
  }

  async wav(take: string): Promise<Blob> {
    return wav([await this.audioFrom(take, 0)]);
  }

  /** A patch may depend on what the take is now; null changes nothing. What another page is recording or sending stays as it is. */
  async change(take: string, patch: Partial<KeptTake> | ((kept: KeptTake) => Partial<KeptTake> | null)): Promise<void> {
    const change = async (kept: KeptTake): Promise<void> => {
      const made = typeof patch === 'function' ? patch(kept) : patch;
      if (!made) return;
      Object.assign(kept, made);
      await this.inTurn(take, async () => {
        if (this.takes.has(take)) await this.vault.putJson('takes', take, kept);
      });
    };
    await this.holding(take, change, PATIENCE_MS);
    this.changed();
    this.tell(take);
  }

  /**
   * The person wants it sent now. A live session that can never be resumed goes as a recording instead. Another person's waits for
   * that person all the same; one of which it is not known whose it is becomes theirs if they ask for it by itself.
   */
  async retry(take: string, now: Whose, { claims }: { claims: boolean } = { claims: true }): Promise<void> {
    await this.change(take, (kept) => {
      if (!waits(kept) && kept.state !== 'cancelled') return null;
      const person = kept.person === undefined && claims ? now : kept.person;
      const patch = { state: 'pending', attempts: 0, nextAttemptAt: null, person } as const;
      return waitsFor(person, now) ? patch : { ...patch, known: kept.known && !/^(session|recogniser)\./.test(kept.problem?.code ?? '') };
    });
  }

  /** The same for all that wait or failed; all are looked at before any of them can be on its way. */
  async retryAll(now: Whose): Promise<void> {
    const told = await Promise.allSettled(this.all().filter(waits).map(({ take }) => this.retry(take, now, { claims: false })));
    const refused = told.find((one) => one.status === 'rejected');
    if (refused) throw refused.reason;
  }

  /** The server has it, or nobody wants it: take and audio are gone. */
  async forget(take: string): Promise<void> {
    const forget = async (): Promise<void> => {
      this.takes.delete(take);
      this.pieces.delete(take);
      await this.inTurn(take, async () => {
        await this.vault.forget('chunks', chunksOf(take));
        await this.vault.forget('takes', take);
      });
      this.turns.delete(take);
    };
    await this.holding(take, forget, PATIENCE_MS);
    this.changed();
    this.tell(take);
  }

  /** What an earlier version left is that person's; what the server has refused them is not. */
  async adopt(person: Whose): Promise<void> {
    for (const { take, person: own, problem } of this.takes.values()) if (own === undefined && problem?.code !== 'session.forbidden') await this.change(take, { person });
  }

  /** A take that nobody wants and of which the server has a part of that person's, which it has to be told to forget. */
  owed(whose: Whose): KeptTake | undefined {
    const now = Date.now();
    return [...this.takes.values()].find((kept) => isOwed(kept) && !waitsFor(kept.person, whose) && (kept.removedAt ?? kept.endedAt ?? kept.beganAt) < now - UNDO_MS && (kept.nextAttemptAt ?? 0) <= now);
  }

  /** Forgets what was removed long enough ago, and failed or cancelled takes older than that many days. Ends what other pages, or a full disk, left. */
  async tidy(keepFailedDays: number): Promise<void> {
    const now = Date.now();
    const isOver = (kept: KeptTake): boolean => {
      const old = (kept.state === 'failed' || kept.state === 'cancelled' || kept.removedAt !== null) && kept.beganAt < now - keepFailedDays * DAY_MS;
      return old || (kept.removedAt !== null && kept.removedAt < now - UNDO_MS && !isOwed(kept));
    };
    for (const take of this.lingering) await this.settle(take).catch(() => undefined);
    await this.recover();
    for (const over of [...this.takes.values()].filter(isOver)) await this.holding(over.take, async (kept) => (isOver(kept) ? this.forget(kept.take) : undefined));
  }

  /** Writes of one take come one after the other: sealing takes a while, and what is later must not overtake what is earlier. */
  private inTurn(take: string, write: () => Promise<void>): Promise<void> {
    const before = this.turns.get(take) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(write);
    this.turns.set(take, turn);
    return turn;
  }

  private inMemory(take: string): number {
    return (this.pieces.get(take) ?? []).reduce((sum, piece) => sum + piece.byteLength / 2, 0);
  }

  private async lengthOnDisk(take: string): Promise<number> {
    const ids = await this.vault.keys('chunks', chunksOf(take));
    const last = ids.at(-1) as [string, number] | undefined;
    const bytes = last && (await this.vault.get('chunks', last));
    return last ? last[1] + (bytes?.byteLength ?? 0) / 2 : 0;
  }
}

function isOwed({ known, state, removedAt }: KeptTake): boolean {
  return known && state !== 'uploading' && (state === 'cancelled' || removedAt !== null);
}

function joined(parts: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

/** What the screens see of a take while that person is signed in; absent: nobody is. */
export function shown(kept: KeptTake, now: Whose): Take {
  const { take, state, beganAt, recovered, attempts, nextAttemptAt, uploaded, text } = kept;
  const problem = (state === 'pending' && now !== undefined && waitsFor(kept.person, now)) || kept.problem;
  return { take, state, beganAt, seconds: kept.samples / RATE, recovered, attempts, nextAttemptAt, uploaded, app: null, text, audio: 'kept', problem };
}
