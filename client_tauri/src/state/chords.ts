/** Chords as people know them from their keyboards. */
import type { Chord } from '../backend/backend';

const NAMES: Record<string, string> = { control: 'Ctrl', right_control: 'Right Ctrl', alt: 'Alt', right_alt: 'Right Alt', shift: 'Shift', super: 'Win' };
const ORDER = Object.keys(NAMES);

/** `Ctrl + Win + Space`. */
export function chordText({ modifiers, key }: Chord): string {
  const held = modifiers.toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)).map((modifier) => NAMES[modifier] ?? modifier);
  return [...held, ...(key ? [key.replace(/^(Key|Digit)/, '')] : [])].join(' + ');
}
