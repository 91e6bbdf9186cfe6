/** What the program says to people: Russian first, English beside it, keys checked by the compiler, plurals by the rules of each language. */
import en from './en.json';
import ru from './ru.json';

export type Language = 'ru' | 'en';
export type MessageKey = keyof typeof ru;
type Plural = Record<string, string>;

const CATALOGUES: Record<Language, Record<MessageKey, string | Plural>> = { ru, en };
/** English where the system speaks it, else Russian: the shell's own rule, which its notifications follow. */
const ENGLISH = /^en(?![a-z])/i;

declare global {
  /** The desktop program says in it what it speaks itself: a web view may know another language of the same system. */
  var alfavoiceLanguage: string | undefined;
}

let current = $state<Language>('ru');

/** The language that a choice of the settings means here. */
export function resolveLanguage(choice: 'system' | Language, system: string = globalThis.alfavoiceLanguage ?? navigator.language): Language {
  if (choice !== 'system') return choice;
  return ENGLISH.test(system) ? 'en' : 'ru';
}

export function setLanguage(language: Language): void {
  current = language;
  if (typeof document !== 'undefined') document.documentElement.lang = language;
}

export function language(): Language {
  return current;
}

/** The sentence of a key with its places filled; a `count` chooses the plural. */
export function t(key: MessageKey, places: Record<string, string | number> = {}): string {
  const found = CATALOGUES[current][key];
  const text = typeof found === 'string' ? found : plural(found, Number(places['count']));
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = places[name];
    return value === undefined ? whole : typeof value === 'number' ? number(value) : value;
  });
}

function plural(forms: Plural, count: number): string {
  return forms[new Intl.PluralRules(current).select(count)] ?? forms['other'] ?? '';
}

/** Whether there is such a key: codes come from outside. */
export function isKey(key: string): key is MessageKey {
  return Object.hasOwn(ru, key);
}

/** What to say of a problem, and what to do: by its code, by the area it is from, or in general. */
export function problemText({ code }: { code: string }): string {
  const exact = `problem.${code}`;
  if (isKey(exact)) return t(exact);
  const family = `problem.family.${code.split('.')[0]}`;
  return isKey(family) ? t(family) : t('problem.unknown', { code });
}

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(current, { maximumFractionDigits: digits }).format(value);
}

export function dateTime(at: number | string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(current, options).format(new Date(at));
}

export function clock(at: number | string): string {
  return dateTime(at, { hour: '2-digit', minute: '2-digit' });
}

/** Minutes and seconds, as players show them. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Sizes told by a program, «1024 B», as people write them. */
export function withSizes(text: string): string {
  return text.replace(/\b(\d+) B\b/g, (_, bytes: string) => fileSize(Number(bytes)));
}

export function fileSize(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(current, { style: 'unit', unit: units[power]!, unitDisplay: 'short', maximumFractionDigits: power > 1 ? 1 : 0 }).format(bytes / 1000 ** power);
}
