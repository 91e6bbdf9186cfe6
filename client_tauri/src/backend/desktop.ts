/**
 * The desktop: each call is a Tauri command of the same name in snake case, each event comes as `alfavoice`.
 *
 * | command | arguments (as Rust names them; Tauri turns `suggestedName` into `suggested_name`) | answer |
 * |---|---|---|
 * | `snapshot`, `settings`, `microphones`, `models`, `diagnostics`, `outbox_list`, `sidecar_log` | none | as in `backend.ts` |
 * | `request` | `call: {method, path, query?, body?}` | the parsed JSON or null |
 * | `bytes` | `call` | raw bytes (`tauri::ipc::Response`), audio |
 * | `save` | `call, suggested_name` | bool |
 * | `upload` | raw body; headers `x-path` (path on the server) and `x-type` (content type) | JSON or null |
 * | `cache_read`, `cache_write`, `cache_forget` | `key` · `key, value` · `prefix` | JSON or null · nothing · nothing |
 * | `begin`, `end`, `cancel`, `undo_cancel`, `paste_last` | none | nothing |
 * | `copy_text` | `text` | nothing |
 * | `retry`, `outbox_retry`, `outbox_remove`, `outbox_restore` | `take` | nothing |
 * | `outbox_audio` | `take` | raw bytes, WAV |
 * | `outbox_export` | `take` | bool |
 * | `outbox_unlock` | `passphrase` | nothing |
 * | `outbox_retry_all`, `outbox_put_aside`, `test_insertion`, `record_hotkey`, `stop_recording_hotkey`, `cancel_install` | none | nothing |
 * | `change_settings` | `patch` | the whole settings |
 * | `test_microphone` | `on: bool` | nothing |
 * | `choose_server` | `choice: {kind: "local"} \| {kind: "team", address}` | nothing |
 * | `probe` | `address` | `Probe` |
 * | `trust_certificate` | `fingerprint` | nothing |
 * | `sign_in` | `credentials: {login, password}` | nothing |
 * | `sign_out` | `options: {forget: bool}` | nothing |
 * | `pin_route` | `route: string or null` | nothing |
 * | `sidecar` | `command: "start" \| "stop" \| "restart"` | nothing |
 * | `install_model`, `verify_model`, `remove_model`, `activate_model` | `name` | nothing |
 * | `check_update`, `install_update` | none | `Update` or null · nothing |
 * | `save_bundle` | none | bool |
 * | `minimise`, `toggle_maximise`, `close`, `start_dragging` | none | nothing |
 *
 * Errors of all commands are `Problem` as JSON.
 */
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import { asProblem, type Backend, type BackendEvent } from './backend';

/** The event all news of the shell come as. */
const EVENT = 'alfavoice';

async function call<Answer>(command: string, args?: Record<string, unknown>): Promise<Answer> {
  try {
    return await invoke<Answer>(command, args);
  } catch (error) {
    throw asProblem(error);
  }
}

async function bytesOf(command: string, args: Record<string, unknown>, type: string): Promise<Blob> {
  return new Blob([await call<ArrayBuffer>(command, args)], { type });
}

async function upload(path: string, file: Blob, type: string): Promise<unknown> {
  try {
    const body = new Uint8Array(await file.arrayBuffer());
    return await invoke('upload', body, { headers: { 'x-path': path, 'x-type': type } });
  } catch (error) {
    throw asProblem(error);
  }
}

function subscribe(listener: (event: BackendEvent) => void): () => void {
  let stopped = false;
  let stop: (() => void) | undefined;
  void listen<BackendEvent>(EVENT, ({ payload }) => {
    if (!stopped) listener(payload);
  }).then((unlisten) => {
    if (stopped) unlisten();
    else stop = unlisten;
  });
  return () => {
    stopped = true;
    stop?.();
  };
}

/** The back end inside the desktop program. */
export function desktopBackend(): Backend {
  return {
    snapshot: () => call('snapshot'),
    subscribe,
    request: (what) => call('request', { call: what }),
    bytes: (what) => bytesOf('bytes', { call: what }, 'audio/wav'),
    save: (what, suggestedName) => call('save', { call: what, suggestedName }),
    upload,
    cacheRead: (key) => call('cache_read', { key }),
    cacheWrite: (key, value) => call('cache_write', { key, value }),
    cacheForget: (prefix) => call('cache_forget', { prefix }),
    begin: () => call('begin'),
    end: () => call('end'),
    cancel: () => call('cancel'),
    undoCancel: () => call('undo_cancel'),
    pasteLast: () => call('paste_last'),
    copyText: (text) => call('copy_text', { text }),
    retry: (take) => call('retry', { take }),
    outboxList: () => call('outbox_list'),
    outboxAudio: (take) => bytesOf('outbox_audio', { take }, 'audio/wav'),
    outboxRetry: (take) => call('outbox_retry', { take }),
    outboxRetryAll: () => call('outbox_retry_all'),
    outboxExport: (take) => call('outbox_export', { take }),
    outboxRemove: (take) => call('outbox_remove', { take }),
    outboxRestore: (take) => call('outbox_restore', { take }),
    outboxUnlock: (passphrase) => call('outbox_unlock', { passphrase }),
    outboxPutAside: () => call('outbox_put_aside'),
    settings: () => call('settings'),
    changeSettings: (patch) => call('change_settings', { patch }),
    microphones: () => call('microphones'),
    testMicrophone: (on) => call('test_microphone', { on }),
    testInsertion: () => call('test_insertion'),
    recordHotkey: () => call('record_hotkey'),
    stopRecordingHotkey: () => call('stop_recording_hotkey'),
    chooseServer: (choice) => call('choose_server', { choice }),
    probe: (address) => call('probe', { address }),
    trustCertificate: (fingerprint) => call('trust_certificate', { fingerprint }),
    signIn: (credentials) => call('sign_in', { credentials }),
    signOut: (options) => call('sign_out', { options }),
    pinRoute: (route) => call('pin_route', { route }),
    sidecar: (command) => call('sidecar', { command }),
    sidecarLog: () => call('sidecar_log'),
    models: () => call('models'),
    installModel: (name) => call('install_model', { name }),
    cancelInstall: () => call('cancel_install'),
    verifyModel: (name) => call('verify_model', { name }),
    removeModel: (name) => call('remove_model', { name }),
    activateModel: (name) => call('activate_model', { name }),
    checkUpdate: () => call('check_update'),
    installUpdate: () => call('install_update'),
    diagnostics: () => call('diagnostics'),
    saveBundle: () => call('save_bundle'),
    minimise: () => call('minimise'),
    toggleMaximise: () => call('toggle_maximise'),
    close: () => call('close'),
    startDragging: () => call('start_dragging'),
  };
}
