/**
 * What the screens ask of the machine they run on: the only door out of the interface.
 *
 * Two things stand behind it: the desktop shell (`desktop.ts`, Tauri commands of the same names in snake case) and the
 * browser (`browser/`). Everything that crosses is JSON as it is written here, names in camelCase, unless said otherwise.
 *
 * - Times are milliseconds since 1970 UTC (`Date.now()`), lengths of audio are seconds.
 * - A call that cannot be done rejects with a {@link Problem}. Nothing rejects with anything else.
 * - People's words never appear in a problem's `message`.
 */

/** What went wrong: `code` is ours or the server's and is what the screens look their sentence up by. */
export interface Problem {
  code: string;
  /** English, for logs and for codes newer than these screens. */
  message: string;
  /** What the screen may offer; unknown ones are ignored. */
  action?: ProblemAction;
  /** Seconds until trying again makes sense. */
  retryAfterS?: number;
}

export type ProblemAction =
  | 'retry'
  | 'sign_in'
  | 'choose_server'
  | 'choose_microphone'
  | 'change_hotkey'
  | 'allow_microphone'
  | 'unlock_outbox'
  | 'free_space'
  | 'update'
  | 'open_outbox'
  | 'open_diagnostics'
  | 'open_server'
  | 'open_insertion'
  | 'copy_last'
  | 'install_model';

export type Route = 'local' | 'team' | 'outbox';

export interface Snapshot {
  version: string;
  kind: 'desktop' | 'browser';
  platform: 'linux-x11' | 'linux-wayland' | 'windows' | 'macos' | 'browser';
  dictation: DictationState;
  /** `reason` is a code: `preferred`, `pinned`, `local_starting`, `server_unreachable`, `server_refused`, `signed_out`, `no_server`. */
  route: { active: Route; pinned: Route | null; reason: string };
  server: ServerState;
  sidecar: {
    state: 'absent' | 'stopped' | 'starting' | 'ready' | 'restarting' | 'failed';
    problem: Problem | null;
    download: { name: string; received: number; total: number } | null;
  };
  outbox: {
    state: 'open' | 'locked' | 'key_lost' | 'damaged';
    waiting: number;
    uploading: number;
    failed: number;
    problem: Problem | null;
  };
  last: LastText | null;
  /** Nobody has said yet where the server is. */
  firstStart: boolean;
}

export interface DictationState {
  state: 'idle' | 'listening' | 'latched' | 'finishing' | 'cancelled';
  take: string | null;
  /** When recording began. */
  since: number | null;
  /** Text that will not change, then text that may. */
  stable: string;
  tail: string;
  /** Until when {@link Backend.undoCancel} brings a cancelled take back. */
  undoUntil: number | null;
}

export interface ServerState {
  kind: 'local' | 'team' | null;
  address: string | null;
  reachable: boolean;
  /** True as well where nobody has to sign in. */
  signedIn: boolean;
  /** Name or login; null where nobody has to sign in. */
  user: string | null;
  version: string | null;
  problem: Problem | null;
}

export interface LastText {
  text: string;
  at: number;
  inserted: boolean;
  /** Why it was not inserted. */
  problem: Problem | null;
}

export type BackendEvent =
  /** After each change, at most about 20 a second. */
  | { type: 'snapshot'; snapshot: Snapshot }
  /** 0…1, at most 20 a second, while listening or testing. */
  | { type: 'level'; rms: number; peak: number }
  | { type: 'notice'; kind: 'late_text' | 'problem' | 'news' | 'update'; code: string; message: string; take?: string }
  /** What the notice with that code said is not so any more. */
  | { type: 'taken_back'; code: string; take?: string }
  /** `chord` is null when recording ended without one. */
  | { type: 'hotkey_recorded'; chord: Chord | null; problem: Problem | null }
  /** The last word of the last inserted text is to be in the dictionary; null: nothing was inserted yet. */
  | { type: 'fix_word'; word: string | null }
  | { type: 'changed'; what: Changed };

export type Changed = 'history' | 'dictionary' | 'snippets' | 'notes' | 'news' | 'outbox' | 'settings' | 'models' | 'preferences';

/** One call of the server's HTTP API; `path` begins with `/v1/` or `/health/`. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
}

export interface Chord {
  /** `control`, `right_control`, `alt`, `right_alt`, `shift`, `super`. */
  modifiers: string[];
  /** W3C `code` of a key (`Space`, `KeyD`), `Mouse4`, `Mouse5`; null: modifiers only. */
  key: string | null;
}

export type HotkeyAction = 'dictate' | 'cancel' | 'paste_last' | 'fix_last_word';
export interface Binding {
  action: HotkeyAction;
  chord: Chord;
}

export type Pasting = 'automatic' | 'shift_insert' | 'control_v' | 'control_shift_v' | 'typed' | 'clipboard_only';

/** What this computer keeps of its person's choices. What holds for all their computers is in `/v1/preferences`. */
export interface Settings {
  /** Null: those this system begins with. */
  hotkeys: Binding[] | null;
  audio: {
    /** `Microphone.id`; null: the system's own choice. */
    microphone: string | null;
    /** Sound from before the key went down that is sent along, 0…1000. */
    preRollMs: number;
    /** How long the microphone stays open after a dictation, 0…600. */
    keepOpenS: number;
    sounds: boolean;
    muteOthers: boolean;
  };
  insertion: { pasting: Pasting; restoreClipboard: boolean; pastingByApp: Record<string, Pasting> };
  appearance: {
    theme: 'system' | 'light' | 'dark';
    language: 'system' | 'ru' | 'en';
    overlay: boolean;
    overlayPlace: 'top' | 'bottom';
  };
  start: { atLogin: boolean; hidden: boolean };
  privacy: {
    /** Days a stored take's audio stays in the outbox, 0…30. */
    keepStoredDays: number;
    /** Days a failed or cancelled take stays, 1…365. */
    keepFailedDays: number;
    /** Whether the server is told in which program somebody dictated. */
    tellApp: boolean;
  };
  updates: { check: boolean };
}

/** Sections that change, whole fields of them. */
export type SettingsPatch = { [Section in keyof Settings]?: Settings[Section] extends unknown[] ? Settings[Section] : Partial<Settings[Section]> };

export interface Microphone {
  id: string;
  name: string;
  default: boolean;
}

export type TakeState = 'recording' | 'live' | 'pending' | 'uploading' | 'stored' | 'failed' | 'cancelled';

/** A take of the outbox. */
export interface Take {
  take: string;
  state: TakeState;
  beganAt: number;
  seconds: number;
  /** Found after the program had died. */
  recovered: boolean;
  attempts: number;
  nextAttemptAt: number | null;
  /** 0…1 of the upload. */
  uploaded: number;
  app: string | null;
  /** What is known of its text. */
  text: string | null;
  /** `forgotten`: the server has stored it and its audio is gone from here, as the settings say: nothing to play or to export. */
  audio: 'kept' | 'forgotten';
  problem: Problem | null;
}

/** Whether it needs only to be tried again. What the person has dropped does not: it is asked for by itself or not at all. */
export function waits({ state }: Pick<Take, 'state'>): boolean {
  return state === 'pending' || state === 'failed';
}

/** Whether it can be played and exported now: it is whole, and still here. */
export function canBeHeard({ state, audio }: Pick<Take, 'state' | 'audio'>): boolean {
  return audio === 'kept' && ['pending', 'failed', 'cancelled', 'stored'].includes(state);
}

export interface Model {
  name: string;
  version: string;
  sizeBytes: number;
  installed: boolean;
  active: boolean;
  verified: 'unknown' | 'verifying' | 'good' | 'bad';
  /** Version that could be installed instead. */
  update: string | null;
  /** While it is fetched. */
  progress: { received: number; total: number } | null;
  problem: Problem | null;
}

export interface Models {
  models: Model[];
  /** Null where it is not known: somebody else's server. */
  freeBytes: number | null;
  /** Whether this program may install and remove them. */
  canChange: boolean;
}

export interface Probe {
  /** As it will be used: with scheme, without a trailing slash. */
  address: string;
  version: string;
  loginRequired: boolean;
  hasAdmin: boolean;
  /** `unknown`: self-signed, compare `fingerprint` and call {@link Backend.trustCertificate}; `plain`: not encrypted, which only a server on this computer may be. */
  certificate: 'trusted' | 'pinned' | 'unknown' | 'plain';
  /** SHA-256 of the certificate, hexadecimal pairs with colons. */
  fingerprint: string | null;
}

export interface Update {
  version: string;
  notes: string;
  sizeBytes: number | null;
}

/** One line of what was looked at; `code` names it, `value` is for people, without personal data. */
export interface Finding {
  code: string;
  state: 'good' | 'warning' | 'bad' | 'plain';
  value: string;
  problem: Problem | null;
}

export interface Backend {
  // State
  snapshot(): Promise<Snapshot>;
  /** Hears all events until the returned function is called. */
  subscribe(listener: (event: BackendEvent) => void): () => void;

  // HTTP of the chosen server; the answer is the parsed JSON, null if it has no body
  request(call: Call): Promise<unknown>;
  /** The answer's bytes with their type, for playing. */
  bytes(call: Call): Promise<Blob>;
  /** Lets the person save the answer as a file; false if they thought better of it. */
  save(call: Call, suggestedName: string): Promise<boolean>;
  /** Sends a file as the body of a POST with its own type. */
  upload(path: string, file: Blob, type: string): Promise<unknown>;

  // Encrypted copies of what screens show, for when there is no server
  cacheRead(key: string): Promise<unknown>;
  cacheWrite(key: string, value: unknown): Promise<void>;
  cacheForget(prefix: string): Promise<void>;

  // Dictation
  begin(): Promise<void>;
  end(): Promise<void>;
  cancel(): Promise<void>;
  undoCancel(): Promise<void>;
  pasteLast(): Promise<void>;
  copyText(text: string): Promise<void>;
  /** Has the recording of a transcript or a failed take recognised again. */
  retry(take: string): Promise<void>;

  // Outbox
  outboxList(): Promise<Take[]>;
  /** WAV. */
  outboxAudio(take: string): Promise<Blob>;
  outboxRetry(take: string): Promise<void>;
  /** {@link Backend.outboxRetry} for all that {@link waits}. What cannot be retried does not keep the others from it. */
  outboxRetryAll(): Promise<void>;
  outboxExport(take: string): Promise<boolean>;
  outboxRemove(take: string): Promise<void>;
  outboxRestore(take: string): Promise<void>;
  outboxUnlock(passphrase: string): Promise<void>;
  /** Puts a file that cannot be opened aside, never away, and begins an empty one. */
  outboxPutAside(): Promise<void>;

  // Settings of this computer
  settings(): Promise<Settings>;
  /** Resolves with the whole settings as they are now. */
  changeSettings(patch: SettingsPatch): Promise<Settings>;

  // Devices
  microphones(): Promise<Microphone[]>;
  /** Levels come as events while it is on. */
  testMicrophone(on: boolean): Promise<void>;
  /** Inserts a sample into the window that has the focus three seconds later. */
  testInsertion(): Promise<void>;
  recordHotkey(): Promise<void>;
  stopRecordingHotkey(): Promise<void>;

  // Server
  chooseServer(choice: { kind: 'local' } | { kind: 'team'; address: string }): Promise<void>;
  probe(address: string): Promise<Probe>;
  /** For the address probed last. */
  trustCertificate(fingerprint: string): Promise<void>;
  signIn(credentials: { login: string; password: string }): Promise<void>;
  /** `forget`: also what this computer has copied of the library. Takes not yet sent stay. */
  signOut(options: { forget: boolean }): Promise<void>;
  pinRoute(route: Route | null): Promise<void>;
  sidecar(command: 'start' | 'stop' | 'restart'): Promise<void>;
  /** The last lines, redacted. */
  sidecarLog(): Promise<string[]>;

  // Models
  models(): Promise<Models>;
  /** Also a newer version of it. Resolves when it is here, or when the download was cancelled. */
  installModel(name: string): Promise<void>;
  /** Ends the download that goes on; what is here is not fetched again. */
  cancelInstall(): Promise<void>;
  /** What came of it is {@link Model.verified}. */
  verifyModel(name: string): Promise<void>;
  removeModel(name: string): Promise<void>;
  activateModel(name: string): Promise<void>;

  // Updates
  checkUpdate(): Promise<Update | null>;
  /** Restarts the program when it is done. */
  installUpdate(): Promise<void>;

  // Diagnostics
  diagnostics(): Promise<Finding[]>;
  /** Lets the person save a redacted bundle; false if they thought better of it. */
  saveBundle(): Promise<boolean>;

  // Window
  minimise(): Promise<void>;
  toggleMaximise(): Promise<void>;
  close(): Promise<void>;
  startDragging(): Promise<void>;
}

/** Whether something caught is a {@link Problem}. */
export function isProblem(thing: unknown): thing is Problem {
  return typeof thing === 'object' && thing !== null && typeof (thing as Problem).code === 'string';
}

/** Makes a problem of whatever was caught; nothing of an unknown error's text is kept. */
export function asProblem(thing: unknown): Problem {
  return isProblem(thing) ? thing : { code: 'client.failed', message: 'something failed in the program itself' };
}
