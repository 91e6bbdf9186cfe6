/** Chords as people know them from their keyboards. */
import type { Chord } from '../backend/backend';

const NAMES: Record<string, string> = { control: 'Ctrl', right_control: 'Right Ctrl', alt: 'Alt', right_alt: 'Right Alt', shift: 'Shift', super: 'Win' };
const ORDER = Object.keys(NAMES);

/** The chord of a key that went down; null while only modifiers are held. */
export function chordOf({ code, ctrlKey, altKey, shiftKey, metaKey }: Pick<KeyboardEvent, 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'>): Chord | null {
  if (!code || /^(Control|Alt|Shift|Meta|OS)(Left|Right)?$|^(CapsLock|NumLock|Fn.*)$/.test(code)) return null;
  const held: [string, boolean][] = [['control', ctrlKey], ['alt', altKey], ['shift', shiftKey], ['super', metaKey]];
  return { modifiers: held.filter(([, down]) => down).map(([name]) => name), key: code };
}

/** `Ctrl + Win + Space`. */
export function chordText({ modifiers, key }: Chord): string {
  const held = modifiers.toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)).map((modifier) => NAMES[modifier] ?? modifier);
  return [...held, ...(key ? [key.replace(/^(Key|Digit)/, '')] : [])].join(' + ');
}
