/**
 * The dictation of this page: microphone → outbox → socket. The outbox has each sample before the socket does; the
 * socket may fail at any time, and then the take waits and is sent later.
 */
import { Composition } from '../../protocol/composition';
import type { ServerMessage } from '../../protocol/messages';
import { uuid7 } from '../../uuid';
import { asProblem, type DictationState, type LastText, type Problem } from '../backend';
import { CANCELLED, LiveConnection, type LiveEnd, type LiveSurroundings } from './live';
import { capture, type Capturing } from './microphone';
import { UNDO_MS, type KeptTake, type Outbox } from './outbox';
import { levelOf, pcm16 } from './pcm';
import type { Whose } from './whose';

/** Attempts to get a lost connection back while somebody speaks, and after the key is up. */
const PATIENCE_MS = 4_000;
/** Levels a second at most. */
const LEVEL_MS = 60;

const FULL_DISK: Problem = { code: 'outbox.full_disk', message: 'there is no room for the recording', action: 'free_space' };

export const IDLE: DictationState = { state: 'idle', take: null, since: null, stable: '', tail: '', undoUntil: null };

export interface Around {
  outbox: Outbox;
  surroundings(take: KeptTake, heard?: (message: ServerMessage) => void): LiveSurroundings;
  mayGoLive(): boolean;
  language(): string;
  /** Whose what is said is. */
  person(): Whose;
  microphone(): string | null;
  changed(): void;
  level(level: { rms: number; peak: number }): void;
  notice(problem: Problem, take?: string): void;
  finished(last: LastText): void;
  /** A take was left to wait. */
  waiting(): void;
}

interface Current {
  take: string;
  capturing: Capturing | null;
  live: LiveConnection | null;
  text: Composition;
  over: boolean;
  /** The person knows what the disk does not take. */
  told: boolean;
  writing: Promise<void>;
}

export class Dictation {
  state: DictationState = IDLE;
  private current: Current | null = null;
  private cancelled: string | null = null;
  /** Ends when the last take's connection has. */
  private forgetting: Promise<void> = Promise.resolve();
  private levelAt = 0;

  constructor(private readonly around: Around) {}

  get busy(): boolean {
    return this.current !== null;
  }

  async begin(): Promise<void> {
    if (this.current) return;
    const take = uuid7();
    const { outbox } = this.around;
    const current: Current = { take, capturing: null, live: null, text: new Composition(), over: false, told: false, writing: Promise.resolve() };
    this.current = current;
    try {
      await outbox.begin(take, this.around.language(), this.around.person());
      current.capturing = await capture(this.around.microphone(), (sound) => this.heard(current, sound), (problem) => void this.lost(problem));
    } catch (error) {
      this.current = null;
      await outbox.forget(take);
      await outbox.letGo(take);
      throw asProblem(error);
    }
    this.show({ ...IDLE, state: 'latched', take, since: Date.now() });
    if (this.around.mayGoLive()) this.forgetting = this.keepLive(current);
  }

  async end(): Promise<void> {
    const current = this.current;
    if (!current || this.state.state === 'finishing' || !current.capturing) return;
    this.show({ ...this.state, state: 'finishing' });
    await current.capturing.stop();
    await current.writing;
    const kept = await this.recorded(current);
    current.over = true;
    if (current.live) current.live.more(kept.samples);
    else await this.leave(current, null);
  }

  async cancel(): Promise<void> {
    const current = this.current;
    if (!current) return;
    this.current = null;
    current.over = true;
    await current.capturing?.stop();
    await current.writing;
    await this.recorded(current);
    current.live?.cancel();
    // A session the server has heard of stays known until the server has forgotten it: that may be later, or after a restart.
    await this.note(current, { state: 'cancelled', stored: 0 });
    await this.around.outbox.letGo(current.take);
    this.cancelled = current.take;
    const undoUntil = Date.now() + UNDO_MS;
    this.show({ ...IDLE, state: 'cancelled', take: current.take, undoUntil });
    setTimeout(() => {
      if (this.state.undoUntil === undoUntil) this.show(IDLE);
    }, UNDO_MS);
  }

  async undoCancel(): Promise<void> {
    if (!this.cancelled) return;
    const take = this.cancelled;
    this.cancelled = null;
    // As a recording if the server has forgotten the session, else the session goes on.
    await Promise.race([this.forgetting, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    await this.around.outbox.change(take, ({ state }) => (state === 'cancelled' ? { state: 'pending', attempts: 0, nextAttemptAt: null } : null));
    this.show(IDLE);
    this.around.waiting();
  }

  private heard(current: Current, sound: Float32Array): void {
    if (sound.length === 0) return;
    current.writing = current.writing
      .then(() => this.around.outbox.append(current.take, pcm16(sound)))
      .then(() => current.live?.more())
      // Not waited for here: it waits for this very writing.
      .catch(() => void this.lost(FULL_DISK));
    const now = Date.now();
    if (now - this.levelAt >= LEVEL_MS) {
      this.levelAt = now;
      this.around.level(levelOf(sound));
    }
  }

  /** The microphone or the disk failed: what there is becomes text. */
  private async lost(problem: Problem): Promise<void> {
    if (!this.current || this.state.state === 'finishing') return;
    this.around.notice(problem, this.current.take);
    this.current.told ||= problem === FULL_DISK;
    await this.end();
  }

  /** What the disk does not take stays in memory, to be tried again when it is read: the take goes on from there. */
  private async recorded(current: Current): Promise<KeptTake> {
    const { outbox } = this.around;
    await outbox.flush(current.take).catch(() => this.full(current));
    await this.note(current, { endedAt: Date.now() });
    return outbox.get(current.take)!;
  }

  private async note(current: Current, patch: Partial<KeptTake>): Promise<void> {
    await this.around.outbox.change(current.take, patch).catch(() => this.full(current));
  }

  private full(current: Current): void {
    if (!current.told) this.around.notice(FULL_DISK, current.take);
    current.told = true;
  }

  /** Keeps a connection for the take until it is done; gives up when the key is up and nothing comes of it. */
  private async keepLive(current: Current): Promise<void> {
    const { outbox } = this.around;
    let since = Date.now();
    for (;;) {
      const kept = outbox.get(current.take);
      if (!kept || this.current !== current) return;
      const heard = (message: ServerMessage): void => {
        since = Date.now();
        this.message(current, kept, message);
      };
      current.live = new LiveConnection({ session: kept.take, language: kept.language, stored: kept.stored }, this.around.surroundings(kept, heard));
      const running = current.live.run();
      if (current.over) current.live.more(kept.samples);
      const how = await running;
      current.live = null;
      if (how.kind === 'dropped' && how.problem.code === CANCELLED.code) await outbox.change(kept.take, { known: false });
      if (this.current !== current) return;
      if (how.kind === 'done') return this.done(current, how);
      const tired = Date.now() - since > PATIENCE_MS;
      if (!how.retryable || (current.over && tired)) return current.over ? this.leave(current, how.problem) : this.goOnAlone(how.problem, current);
      await new Promise((resolve) => setTimeout(resolve, how.waitMs ?? 400 + Math.random() * 600));
    }
  }

  private goOnAlone(problem: Problem, current: Current): void {
    // Recording goes on; the take waits for the server when the key is up.
    this.around.notice(problem, current.take);
  }

  private message(current: Current, kept: KeptTake, message: ServerMessage): void {
    // Not what was brought back meanwhile: that goes its own way.
    if (message.type === 'ready' && !kept.known) {
      void this.around.outbox.change(kept.take, ({ state, person }) => {
        if (state !== 'recording' && state !== 'cancelled') return null;
        return { known: true, person: person ?? this.around.person(), state: state === 'recording' && this.current === current ? 'live' : state };
      });
    }
    // Of what nobody wants any more it counts only that the server has a part.
    if (this.current !== current) return;
    if (message.type === 'ack' && message.stored > kept.stored) void this.around.outbox.change(kept.take, { stored: message.stored });
    if (message.type === 'final') current.text.final(message);
    if (message.type === 'partial') current.text.partialCame(message);
    if (message.type === 'final' || message.type === 'partial') this.show({ ...this.state, ...current.text.shown() });
  }

  private async done(current: Current, how: Extract<LiveEnd, { kind: 'done' }>): Promise<void> {
    this.current = null;
    await this.around.outbox.forget(current.take);
    await this.around.outbox.letGo(current.take);
    this.around.finished({ text: how.text, at: Date.now(), inserted: false, problem: null });
    this.show(IDLE);
  }

  private async leave(current: Current, problem: Problem | null): Promise<void> {
    this.current = null;
    await this.note(current, { state: 'pending', problem, text: current.text.text || null });
    await this.around.outbox.letGo(current.take);
    this.show(IDLE);
    this.around.waiting();
  }

  private show(state: DictationState): void {
    this.state = state;
    this.around.changed();
  }
}
