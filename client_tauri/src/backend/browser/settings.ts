/** What this browser keeps of its person's choices: nothing secret, so in plain `localStorage`. */
import type { Settings, SettingsPatch } from '../backend';

const KEPT = 'alfavoice.settings';

const DEFAULTS: Settings = {
  hotkeys: [],
  audio: { microphone: null, preRollMs: 0, keepOpenS: 0, sounds: false, muteOthers: false },
  insertion: { pasting: 'clipboard_only', restoreClipboard: false, pastingByApp: {} },
  appearance: { theme: 'system', language: 'system', overlay: false, overlayPlace: 'bottom' },
  start: { atLogin: false, hidden: false },
  privacy: { keepStoredDays: 0, keepFailedDays: 30, tellApp: false },
  updates: { check: false },
};

/** Settings with the fields of a patch in place of theirs. */
export function patched(settings: Settings, patch: SettingsPatch): Settings {
  const made = structuredClone(settings) as unknown as Record<string, unknown>;
  for (const [name, section] of Object.entries(patch)) {
    if (section === undefined || !(name in made)) continue;
    made[name] = Array.isArray(section) || section === null ? section : { ...(made[name] as object), ...section };
  }
  return made as unknown as Settings;
}

export function readSettings(): Settings {
  try {
    return patched(DEFAULTS, JSON.parse(localStorage.getItem(KEPT) ?? '{}') as SettingsPatch);
  } catch {
    return structuredClone(DEFAULTS);
  }
}

export function writeSettings(settings: Settings): void {
  localStorage.setItem(KEPT, JSON.stringify(settings));
}
