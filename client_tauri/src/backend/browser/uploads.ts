/**
 * Takes that wait, on their way to a transcript: those the server never heard of as recordings (`/v1/recordings`), those
 * it knows as live sessions by resuming them. Each keeps its own id throughout, so each comes to one transcript however
 * often something breaks. One page at a time does this.
 */
import { asProblem, type Problem } from '../backend';
import type { Api } from './api';
import { CANCELLED, LiveConnection, type LiveEnd, type LiveSurroundings } from './live';
import type { KeptTake, Outbox } from './outbox';
import { RATE } from './pcm';
import { OTHER_PERSON, waitsFor, type Whose } from './whose';

const LOCK = 'alfavoice-uploads';
const CHUNK = 1024 * 1024;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** Between two questions for a text: half as long again each time. */
const ASKING_MS = 700;
const LONGEST_ASKING_MS = 10_000;
/** Recordings whose texts are awaited while others are sent. */
const AWAITED_MOST = 8;
/** When a take is looked at again that another page had in hand. */
const ELSEWHERE_MS = 1_000;

interface Recording {
  state: 'uploading' | 'checking' | 'waiting' | 'working' | 'done' | 'failed';
  received_bytes: number;
  is_stored: boolean;
  progress: number;
  reason: string | null;
  transcript: string | null;
}

/** Pause before the next attempt: doubled each time, up to 5 minutes, between half of it and all of it at random. */
export function pauseMs(attempts: number, random: number = Math.random()): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts, 20)) * (0.5 + random / 2);
}

/** Problems that no further attempt will cure; a person has to decide. */
function isFinal(problem: Problem): boolean {
  return /^(recording\.(differs|too_large|undecodable|too_long|poison|damaged|recogniser_failed|failed)|session\.(forbidden|too_long|format_changed|samples_differ)|recogniser\.rejected|request\.|audio\.|protocol\.|outbox\.)/.test(problem.code);
}

export class Uploads {
  private wake: (() => void) | null = null;
  private stopped = false;
  /** Takes another page had in hand, and when to look again. */
  private readonly elsewhere = new Map<string, number>();
  /** What lets the next take go, of each recording whose text is awaited. */
  private readonly awaited = new Set<() => void>();

  constructor(
    private readonly outbox: Outbox,
    private readonly api: Api,
    private readonly surroundings: (take: KeptTake) => LiveSurroundings,
    private readonly arrived: (take: KeptTake, text: string) => void,
    private readonly mayGo: () => boolean,
    /** Whose history everything goes to. */
    private readonly person: () => Whose,
  ) {}

  /** Works until stopped; call once. */
  async run(): Promise<void> {
    await navigator.locks.request(LOCK, async () => {
      // The page that did this so far may have left something.
      await this.outbox.open().catch(() => undefined);
      while (!this.stopped) {
        const next = this.mayGo() ? this.due() : undefined;
        const owed = this.mayGo() ? this.owed() : undefined;
        if (next) await this.send(next);
        else if (owed) await this.inHand(owed, (kept) => this.forgotten(kept));
        else await this.sleep();
      }
    });
  }

  stop(): void {
    this.stopped = true;
    this.hurry();
  }

  /** Something changed (the network, a new take): look again now. */
  hurry(): void {
    this.wake?.();
  }

  /** Makes all waiting takes due, because the server is there again. */
  async hurryAll(): Promise<void> {
    const now = ({ state, nextAttemptAt }: KeptTake): Partial<KeptTake> | null => (state === 'pending' && nextAttemptAt ? { nextAttemptAt: null } : null);
    for (const kept of this.outbox.all()) if (now(kept)) await this.outbox.change(kept.take, now);
    this.hurry();
  }

  private due(): KeptTake | undefined {
    const now = Date.now();
    return this.outbox.all().toReversed().find((kept) => this.waits(kept) && this.next(kept) <= now);
  }

  private owed(): KeptTake | undefined {
    const owed = this.outbox.owed(this.person());
    return owed && this.next(owed) <= Date.now() ? owed : undefined;
  }

  private next({ take, nextAttemptAt }: KeptTake): number {
    return Math.max(nextAttemptAt ?? 0, this.elsewhere.get(take) ?? 0);
  }

  /** Resolves when the next one may go: this one is over, or only its text is awaited. */
  private send(found: KeptTake): Promise<void> {
    return new Promise((goOn) => {
      void this.inHand(found, (kept) => this.attempt(kept, goOn)).finally(goOn);
    });
  }

  /** Does something with a take unless another page is at it, or was and nothing is left to do. */
  private async inHand(found: KeptTake, what: (kept: KeptTake) => Promise<void>): Promise<void> {
    const begin = async (kept: KeptTake): Promise<true> => {
      if (this.due() === kept || this.owed() === kept) await what(kept);
      return true;
    };
    const done = await this.outbox.holding(found.take, begin).catch(() => undefined);
    if (done) this.elsewhere.delete(found.take);
    else this.elsewhere.set(found.take, Date.now() + ELSEWHERE_MS);
  }

  /** Whether a take waits for nothing but its turn. Nothing goes before it is known who is signed in. */
  private waits({ state, person }: KeptTake): boolean {
    const now = this.person();
    return state === 'pending' && now !== undefined && !waitsFor(person, now);
  }

  private sleep(): Promise<void> {
    const soonest = Math.min(...this.outbox.all().map((take) => (this.waits(take) ? this.next(take) : Infinity)));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(30_000, Math.max(250, soonest - Date.now())));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async attempt(kept: KeptTake, goOn: () => void): Promise<void> {
    const { take } = kept;
    const person = this.person() ?? kept.person;
    await this.note(take, { state: 'uploading', attempts: kept.attempts + 1, problem: null, person });
    try {
      const text = kept.known ? await this.resumed(kept) : await this.uploaded(kept, this.api.as(person), goOn);
      await this.outbox.forget(take);
      this.arrived(kept, text);
    } catch (error) {
      const problem = asProblem(error);
      // Somebody else has signed in meanwhile.
      if (problem.code === OTHER_PERSON.code) await this.note(take, { state: 'pending', nextAttemptAt: null });
      else if (isFinal(problem)) await this.note(take, { state: 'failed', problem: { ...problem, action: 'retry' } });
      else await this.note(take, { state: 'pending', problem, nextAttemptAt: Date.now() + Math.max(pauseMs(kept.attempts), (problem.retryAfterS ?? 0) * 1000) });
    }
  }

  /** A full disk is no reason to send nothing: what is noted is true at least while this page is open. */
  private async note(take: string, patch: Partial<KeptTake>): Promise<void> {
    await this.outbox.change(take, patch).catch(() => undefined);
  }

  /** Has the server forget what it has of a take that was cancelled or removed while it could not be told. */
  private async forgotten(kept: KeptTake): Promise<void> {
    const live = new LiveConnection({ session: kept.take, language: kept.language, stored: 0 }, this.surroundings(kept));
    const running = live.run();
    live.cancel();
    const how = await running;
    try {
      // It came to its end before it could be told: then it is in the history, and goes from there.
      if (how.kind === 'done') await this.api.as(kept.person).json({ method: 'DELETE', path: `/v1/history/${how.transcript}` });
      else if (how.problem.code !== CANCELLED.code && !isFinal(how.problem)) throw how.problem;
      await this.outbox.change(kept.take, { known: false, nextAttemptAt: null });
    } catch {
      await this.note(kept.take, { attempts: kept.attempts + 1, nextAttemptAt: Date.now() + pauseMs(kept.attempts) });
    }
  }

  private async resumed(kept: KeptTake): Promise<string> {
    const live = new LiveConnection({ session: kept.take, language: kept.language, stored: kept.stored }, this.surroundings(kept));
    const running = live.run();
    live.more(kept.samples);
    const how: LiveEnd = await running;
    if (how.kind === 'done') return how.text;
    throw { ...how.problem, ...(how.waitMs ? { retryAfterS: how.waitMs / 1000 } : {}) } satisfies Problem;
  }

  private async uploaded(kept: KeptTake, api: Api, goOn: () => void): Promise<string> {
    const audio = await this.outbox.audioFrom(kept.take, 0);
    if (audio.byteLength === 0 && kept.samples > 0) throw { code: 'outbox.unreadable', message: 'the recording cannot be read' } satisfies Problem;
    if (audio.byteLength === 0) return '';
    const path = `/v1/recordings/${kept.take}`;
    const announcement = {
      sha256: hex(await crypto.subtle.digest('SHA-256', audio)), size_bytes: audio.byteLength, encoding: 'pcm16', sample_rate: RATE,
      recorded_at: new Date(kept.beganAt).toISOString(), language: kept.language,
    };
    let now = (await api.json({ method: 'PUT', path, body: announcement })) as Recording;
    while (now.received_bytes < audio.byteLength && now.state === 'uploading') {
      const from = now.received_bytes;
      const answer = await api.send(
        { method: 'PATCH', path: `${path}/audio` },
        { body: audio.subarray(from, from + CHUNK), headers: { 'Upload-Offset': String(from), 'Content-Type': 'application/octet-stream' } },
        120_000,
      );
      now = (await answer.json()) as Recording;
      await this.note(kept.take, { uploaded: now.received_bytes / audio.byteLength });
    }
    // Somebody asked for it again: the server does the same.
    if (now.state === 'failed' && now.reason !== 'hash_mismatch') now = (await api.json({ method: 'POST', path: `${path}/retry` })) as Recording;
    return this.text(await this.finished(now, path, api, goOn), api);
  }

  /** Asks until the server is done with it; others go meanwhile. */
  private async finished(first: Recording, path: string, api: Api, goOn: () => void): Promise<Recording> {
    let now = first;
    this.awaited.add(goOn);
    try {
      for (let pause = ASKING_MS; now.state !== 'done' && now.state !== 'failed'; pause = Math.min(LONGEST_ASKING_MS, pause * 1.5)) {
        this.letGoOn();
        await new Promise((resolve) => setTimeout(resolve, pause));
        now = (await api.json({ method: 'GET', path })) as Recording;
      }
      return now;
    } finally {
      this.awaited.delete(goOn);
      this.letGoOn();
    }
  }

  private letGoOn(): void {
    for (const goOn of [...this.awaited].slice(0, AWAITED_MOST)) goOn();
  }

  private async text(now: Recording, api: Api): Promise<string> {
    if (now.state === 'failed') {
      if (now.reason === 'hash_mismatch') throw { code: 'recording.hash_mismatch', message: 'sent again' } satisfies Problem;
      throw { code: `recording.${now.reason ?? 'failed'}`, message: 'no text came of the recording' } satisfies Problem;
    }
    if (!now.transcript) return '';
    try {
      return ((await api.json({ method: 'GET', path: `/v1/history/${now.transcript}` })) as { text: string }).text;
    } catch (error) {
      // Nobody spoke: that is no entry of the history.
      if (asProblem(error).code === 'request.not_found') return '';
      throw error;
    }
  }
}

function hex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
