/** The browser back end put together: what `backend.ts` promises, by means of the web platform and the server this page came from. */
import { version as VERSION } from '../../../package.json';
import type { ServerMessage } from '../../protocol/messages';
import {
  asProblem, type Backend, type BackendEvent, type Finding, type LastText, type Models, type Problem, type Route, type ServerState, type Settings, type Snapshot,
} from '../backend';
import { Account, UNREACHABLE, reach } from './account';
import { Api, saveBlob } from './api';
import { hearChanges } from './changes';
import { Copies } from './copies';
import { Dictation, IDLE } from './dictation';
import { findings } from './diagnostics';
import type { LiveSurroundings } from './live';
import { capture, microphones, type Capturing } from './microphone';
import { modelsOf } from './models';
import { Outbox, shown, type KeptTake } from './outbox';
import { Pages } from './pages';
import { levelOf } from './pcm';
import { routeTo } from './route';
import { patched, readSettings, writeSettings } from './settings';
import { Uploads } from './uploads';
import { openVault, type Vault } from './vault';

/** How long the first look at the server may keep the screens from being shown. */
const FIRST_LOOK_MS = 1_500;
const CLIENT = { name: 'alfavoice-web', version: VERSION };
const WATCH_MS = 20_000;
const WATCH_AWAY_MS = 2_000;
const SNAPSHOT_MS = 50;
const NOT_HERE: Problem = { code: 'client.not_in_browser', message: 'only the desktop program can do this' };
const notHere = (): Promise<never> => Promise.reject(NOT_HERE);

interface Parts {
  vault: Vault;
  account: Account;
  api: Api;
  outbox: Outbox;
  dictation: Dictation;
  uploads: Uploads;
  pages: Pages;
  copies: Copies;
}

/** The back end of the browser build. Nothing begins before it is asked for something. */
export function browserBackend(): Backend {
  return new Browser();
}

class Browser implements Backend {
  private readonly listeners = new Set<(event: BackendEvent) => void>();
  private readonly opened: Promise<Parts>;
  private parts: Parts | null = null;
  private server: ServerState = { kind: 'team', address: location.origin, reachable: navigator.onLine, signedIn: false, user: null, version: null, problem: null };
  private last: LastText | null = null;
  private pinned: Route | null = null;
  private kept: Settings = readSettings();
  private spoken = 'auto';
  private testing: Capturing | null = null;
  private telling: ReturnType<typeof setTimeout> | null = null;
  private watching: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.opened = this.open();
    this.opened.catch(() => undefined);
  }

  private async open(): Promise<Parts> {
    const vault = await openVault().catch(() => {
      throw { code: 'outbox.no_storage', message: 'the browser keeps nothing here, perhaps in a private window' } satisfies Problem;
    });
    void navigator.storage?.persist?.();
    const account = new Account(vault, `${CLIENT.name} ${CLIENT.version}`);
    await account.open();
    const api = new Api(account);
    const pages = new Pages((news) => {
      if (news.kind === 'take') void outbox.heard(news.take).then(() => uploads.hurry());
      else void account.reread().then(() => this.look());
    });
    const outbox = new Outbox(vault, () => this.outboxChanged(), (take) => pages.tell({ kind: 'take', take }));
    const dictation = new Dictation({
      outbox,
      surroundings: (take, heard) => this.surroundings(take, heard),
      mayGoLive: () => this.route().active !== 'outbox',
      language: () => this.spoken,
      person: () => account.person,
      microphone: () => this.kept.audio.microphone,
      changed: () => this.tell(),
      level: (level) => this.emit({ type: 'level', ...level }),
      notice: (problem, take) => this.emit({ type: 'notice', kind: 'problem', code: problem.code, message: problem.message, take }),
      finished: (last) => {
        this.last = last;
        this.emit({ type: 'changed', what: 'history' });
      },
      waiting: () => this.parts?.uploads.hurry(),
    });
    const uploads = new Uploads(outbox, api, (take) => this.surroundings(take), (take, text) => this.late(take, text), () => this.route().active !== 'outbox', () => account.person);
    await outbox.open();
    this.parts = { vault, account, api, outbox, dictation, uploads, pages, copies: new Copies(vault, account) };
    this.spoken = ((await vault.getJson('kept', 'spoken')) as string | undefined) ?? 'auto';
    this.server = { ...this.server, signedIn: account.signedIn, user: account.user };
    await Promise.race([this.look(), new Promise((resolve) => setTimeout(resolve, FIRST_LOOK_MS))]);
    void uploads.run();
    void hearChanges(api, new AbortController().signal, () => this.server.reachable && account.signedIn, (what) => this.emit({ type: 'changed', what }));
    addEventListener('online', () => void this.look());
    addEventListener('offline', () => void this.look());
    return this.parts;
  }

  private surroundings(take: KeptTake, heard: (message: ServerMessage) => void = () => undefined): LiveSurroundings {
    const { account, outbox } = this.parts!;
    const address = new URL('v1/stream', document.baseURI);
    address.protocol = address.protocol.replace('http', 'ws');
    return {
      open: (protocols) => new WebSocket(address, protocols),
      ticket: () => account.ticket(take.person),
      audioFrom: (sample) => outbox.audioFrom(take.take, sample),
      heard,
      client: CLIENT,
    };
  }

  /** Asks the server how it is, and goes on asking. */
  private async look(): Promise<void> {
    clearTimeout(this.watching);
    const { account, uploads, outbox, vault } = this.parts!;
    const before = this.server.reachable;
    try {
      await account.askWhetherLogin();
      const ready = await reach('health/ready', {}, 8_000);
      const { version, ready: isReady } = (await ready.json()) as { version: string; ready: boolean };
      const problem = isReady ? null : { code: 'server.not_ready', message: 'the server is not ready', action: 'retry' as const };
      this.server = { ...this.server, reachable: true, version, problem };
      if (account.signedIn) await this.learnLanguage(vault);
    } catch (error) {
      this.server = { ...this.server, reachable: false, problem: asProblem(error).code === UNREACHABLE.code ? UNREACHABLE : asProblem(error) };
    }
    this.server = { ...this.server, signedIn: account.signedIn, user: account.user };
    await this.handOn().catch(() => undefined);
    if (!before && this.server.reachable) void uploads.hurryAll();
    void outbox.tidy(this.kept.privacy.keepFailedDays);
    this.tell();
    this.watching = setTimeout(() => void this.look(), this.server.reachable ? WATCH_MS : WATCH_AWAY_MS);
  }

  /** What an earlier version left without a name gets one as soon as that is certain; what failed is done the next time. */
  private async handOn(): Promise<void> {
    const { account, outbox, copies } = this.parts!;
    const { heir } = account;
    if (heir === undefined) return;
    await outbox.adopt(heir);
    await copies.adopt(heir);
    await account.adopted();
  }

  /** The language this person speaks, which has to be known offline too. */
  private async learnLanguage(vault: Vault): Promise<void> {
    const preferences = (await this.parts!.api.json({ method: 'GET', path: '/v1/preferences' })) as { values: { language?: string } };
    const spoken = preferences.values.language ?? 'auto';
    if (spoken !== this.spoken) await vault.putJson('kept', 'spoken', spoken);
    this.spoken = spoken;
  }

  private route(): Snapshot['route'] {
    return routeTo(this.server, this.pinned);
  }

  private now(): Snapshot {
    const takes = this.parts?.outbox.all() ?? [];
    const count = (state: string): number => takes.filter((take) => take.state === state).length;
    return {
      version: VERSION,
      kind: 'browser',
      platform: 'browser',
      dictation: this.parts?.dictation.state ?? IDLE,
      route: this.route(),
      server: this.server,
      sidecar: { state: 'absent', problem: null, download: null },
      outbox: { state: 'open', waiting: count('pending'), uploading: count('uploading'), failed: count('failed'), problem: null },
      last: this.last,
      firstStart: false,
    };
  }

  private emit(event: BackendEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  private tell(): void {
    this.telling ??= setTimeout(() => {
      this.telling = null;
      if (this.parts?.account.replaced && !this.parts.dictation.busy) location.reload();
      this.emit({ type: 'snapshot', snapshot: this.now() });
    }, SNAPSHOT_MS);
  }

  private outboxChanged(): void {
    this.tell();
    this.emit({ type: 'changed', what: 'outbox' });
  }

  private late(take: KeptTake, text: string): void {
    this.last = { text, at: Date.now(), inserted: false, problem: null };
    this.emit({ type: 'notice', kind: 'late_text', code: take.recovered ? 'dictation.recovered_text' : 'dictation.late_text', message: '', take: take.take });
    this.emit({ type: 'changed', what: 'history' });
    this.tell();
  }

  // What backend.ts promises, in its order

  async snapshot(): Promise<Snapshot> {
    await this.opened;
    return this.now();
  }
  subscribe(listener: (event: BackendEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async request(call: Parameters<Backend['request']>[0]): Promise<unknown> {
    const { api } = await this.opened;
    const answer = await api.json(call).catch((error: unknown) => {
      // Signed out meanwhile: the screens have to know at once.
      if (asProblem(error).code.startsWith('auth.')) void this.look();
      throw error;
    });
    if (call.path === '/v1/preferences' && call.method === 'PATCH') await this.learnLanguage(this.parts!.vault);
    return answer;
  }
  async bytes(call: Parameters<Backend['bytes']>[0]): Promise<Blob> {
    return (await this.opened).api.blob(call);
  }
  async save(call: Parameters<Backend['save']>[0], suggestedName: string): Promise<boolean> {
    saveBlob(await (await this.opened).api.blob(call), suggestedName);
    return true;
  }
  async upload(path: string, file: Blob, type: string): Promise<unknown> {
    return (await this.opened).api.upload(path, file, type);
  }
  async cacheRead(key: string): Promise<unknown> {
    return (await this.opened).copies.read(key);
  }
  async cacheWrite(key: string, value: unknown): Promise<void> {
    await (await this.opened).copies.write(key, value);
  }
  async cacheForget(prefix: string): Promise<void> {
    await (await this.opened).copies.forget(prefix);
  }
  async begin(): Promise<void> {
    await (await this.opened).dictation.begin();
  }
  async end(): Promise<void> {
    await (await this.opened).dictation.end();
  }
  async cancel(): Promise<void> {
    await (await this.opened).dictation.cancel();
  }
  async undoCancel(): Promise<void> {
    await (await this.opened).dictation.undoCancel();
  }
  async pasteLast(): Promise<void> {
    if (this.last) await this.copyText(this.last.text);
  }
  async copyText(text: string): Promise<void> {
    await navigator.clipboard.writeText(text).catch(() => {
      throw { code: 'insertion.no_clipboard', message: 'the browser does not let the text be copied' } satisfies Problem;
    });
  }
  async retry(take: string): Promise<void> {
    await this.request({ method: 'POST', path: `/v1/recordings/${take}/retry` });
  }
  async outboxList(): Promise<ReturnType<typeof shown>[]> {
    const { outbox, account } = await this.opened;
    return outbox.all().map((take) => shown(take, account.signedIn ? account.person : undefined));
  }
  async outboxAudio(take: string): Promise<Blob> {
    return (await this.opened).outbox.wav(take);
  }
  async outboxRetry(take: string): Promise<void> {
    const { outbox, uploads, account } = await this.opened;
    await outbox.retry(take, account.person, { claims: account.signedIn });
    uploads.hurry();
  }
  async outboxRetryAll(): Promise<void> {
    const { outbox, uploads, account } = await this.opened;
    await outbox.retryAll(account.person).finally(() => uploads.hurry());
  }
  async outboxExport(take: string): Promise<boolean> {
    saveBlob(await this.outboxAudio(take), `alfavoice-${take}.wav`);
    return true;
  }
  async outboxRemove(take: string): Promise<void> {
    await (await this.opened).outbox.change(take, { removedAt: Date.now() });
  }
  async outboxRestore(take: string): Promise<void> {
    await (await this.opened).outbox.change(take, { removedAt: null });
  }
  outboxUnlock = notHere;
  outboxPutAside = notHere;
  settings(): Promise<Settings> {
    return Promise.resolve(structuredClone(this.kept));
  }
  changeSettings(patch: Parameters<Backend['changeSettings']>[0]): Promise<Settings> {
    this.kept = patched(this.kept, patch);
    writeSettings(this.kept);
    this.emit({ type: 'changed', what: 'settings' });
    return this.settings();
  }
  microphones(): ReturnType<Backend['microphones']> {
    return microphones();
  }
  async testMicrophone(on: boolean): Promise<void> {
    await this.testing?.stop();
    this.testing = null;
    if (on) this.testing = await capture(this.kept.audio.microphone, (sound) => sound.length && this.emit({ type: 'level', ...levelOf(sound) }), () => undefined);
  }
  testInsertion = notHere;
  recordHotkey = notHere;
  stopRecordingHotkey(): Promise<void> {
    return Promise.resolve();
  }
  chooseServer = notHere;
  probe = notHere;
  trustCertificate = notHere;
  async signIn({ login, password }: { login: string; password: string }): Promise<void> {
    const { account, pages } = await this.opened;
    const before = account.person;
    await account.signIn(login, password);
    pages.tell({ kind: 'account' });
    if (account.person !== before) this.last = null;
    await this.look();
    await this.parts!.uploads.hurryAll();
    // The same takes, other people's now.
    this.emit({ type: 'changed', what: 'outbox' });
  }
  async signOut({ forget }: { forget: boolean }): Promise<void> {
    const { account, pages } = await this.opened;
    await account.signOut();
    pages.tell({ kind: 'account' });
    if (forget) await this.cacheForget('');
    this.last = null;
    await this.look();
  }
  async pinRoute(route: Route | null): Promise<void> {
    this.pinned = route === 'local' ? null : route;
    this.tell();
    (await this.opened).uploads.hurry();
  }
  sidecar = notHere;
  sidecarLog(): Promise<string[]> {
    return Promise.resolve([]);
  }
  async models(): Promise<Models> {
    return modelsOf((await this.request({ method: 'GET', path: '/v1/models' })) as Parameters<typeof modelsOf>[0]);
  }
  installModel = notHere;
  cancelInstall = notHere;
  verifyModel = notHere;
  removeModel = notHere;
  activateModel = notHere;
  checkUpdate(): Promise<null> {
    return Promise.resolve(null);
  }
  async installUpdate(): Promise<void> {
    await (await navigator.serviceWorker?.getRegistration())?.update();
    location.reload();
  }
  async diagnostics(): Promise<Finding[]> {
    await this.opened;
    return findings(this.now());
  }
  async saveBundle(): Promise<boolean> {
    saveBlob(new Blob([JSON.stringify(await this.diagnostics(), null, 2)], { type: 'application/json' }), 'alfavoice-diagnostics.json');
    return true;
  }
  minimise(): Promise<void> {
    return Promise.resolve();
  }
  toggleMaximise(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  startDragging(): Promise<void> {
    return Promise.resolve();
  }
}
