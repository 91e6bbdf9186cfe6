import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parse } from 'svelte/compiler';
import { afterEach, describe, expect, test } from 'vitest';

import en from '../../src/messages/en.json';
import { duration, fileSize, isKey, problemText, resolveLanguage, setLanguage, t, withSizes } from '../../src/messages/messages.svelte';
import ru from '../../src/messages/ru.json';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));
const VECTORS = fileURLToPath(new URL('../../../tests/vectors', import.meta.url));
const files = (ending: string): string[] => readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending));
const read = (name: string): string => readFileSync(join(SOURCE, name), 'utf8');

afterEach(() => setLanguage('ru'));

describe('the two catalogues', () => {
  const places = (message: string | object): string[] => [...new Set(JSON.stringify(message).match(/\{\w+\}/g) ?? [])].toSorted();

  test('have the same keys', () => expect(Object.keys(en).toSorted()).toEqual(Object.keys(ru).toSorted()));

  test.each(Object.keys(ru) as (keyof typeof ru)[])('%s has the same places in both', (key) => expect(places(en[key])).toEqual(places(ru[key])));

  test('are used: nothing is said by nobody', () => {
    const code = [...files('.svelte'), ...files('.ts')].map(read).join('\n');
    // What is looked up by a code from outside or by the shell, or put together from a name.
    const made = /^(problem|action|notice|diagnostic|sample|zone|models\.for)\.|^(nav|route|outbox\.state|route\.why|dictation|history|settings|settings\.(action|pasting|pref|style|theme|language|sidecar|overlay_place)|snippets\.var|diagnostics)\.\w+$/;
    const idle = Object.keys(ru).filter((key) => !made.test(key) && !code.includes(`'${key}'`));
    expect(idle).toEqual([]);
  });
});

test('Russian counts as Russian does', () => {
  expect([1, 3, 5, 21, 112].map((count) => t('count.words', { count }))).toEqual(['1 слово', '3 слова', '5 слов', '21 слово', '112 слов']);
  setLanguage('en');
  expect([1, 3].map((count) => t('count.words', { count }))).toEqual(['1 word', '3 words']);
});

test('sizes told by the machine are written as people of the language write them', () => {
  expect(withSizes('1048576 B / 10738466816 B').replaceAll('\u00A0', ' ')).toBe('1 МБ / 10,7 ГБ');
  setLanguage('en');
  expect(withSizes('1048576 B / 10738466816 B').replaceAll('\u00A0', ' ')).toBe('1 MB / 10.7 GB');
});

test('every code of the server has a sentence that says what to do', () => {
  const codes = ['error_codes', 'problem_codes'].flatMap((name) => (JSON.parse(readFileSync(join(VECTORS, `${name}.json`), 'utf8')) as { code: string }[]).map(({ code }) => code));
  const unknown = codes.filter((code) => problemText({ code }) === t('problem.unknown', { code }));
  expect(unknown).toEqual([]);
});

test('every code of our own has its own sentence', () => {
  const own = [...files('.ts')].filter((name) => !name.endsWith('.test.ts')).flatMap((name) => [...read(name).matchAll(/(?:code: |problem\()'([a-z_]+\.[a-z_]+)'/g)].map(([, code]) => code!));
  expect(own.length).toBeGreaterThan(10);
  const silent = own.filter((code) => !isKey(`problem.${code}`) && !/^(take\.cancelled|recording\.|auth\.|outbox\.unreadable)/.test(code));
  expect(silent).toEqual([]);
});

test('every code of the desktop program has a sentence of its own, in the words of people', () => {
  // What the Rust side calls a problem, a notice or why: "family.what_happened".
  const FAMILIES = 'auth|certificate|client|dictation|file|hotkey|insertion|microphone|model|outbox|program|server|settings|sidecar|sound|system|update';
  const NOT_SAID = /^(settings\.json|outbox\.(db|lock)|client\.call|program\.version|.*\.(rs|exe|pub|log|toml))$/;
  // Of a live session, whose end is shown by the server's code and the family's sentence.
  const BY_FAMILY = /^(auth\.token_expired|dictation\.late_text|outbox\.recovered)$/;
  const RUST = fileURLToPath(new URL('../../src-tauri', import.meta.url));
  const sources = ['src', 'client-core/src', 'client-platform/src'].flatMap((folder) =>
    readdirSync(join(RUST, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.rs') && !/(^|[/_])(tests?|scripted)(\.rs|\/)|_tests\.rs$|machine_of_test/.test(name))
      .map((name) => readFileSync(join(RUST, folder, name), 'utf8').split('#[cfg(test)]\nmod tests {')[0]!),
  );
  const codes = [...new Set(sources.flatMap((source) => [...source.matchAll(new RegExp(`"((?:${FAMILIES})\\.[a-z_]+)"`, 'g'))].map(([, code]) => code!)))];
  expect(codes.length).toBeGreaterThan(70);
  const silent = codes.filter((code) => !NOT_SAID.test(code) && !BY_FAMILY.test(code) && !isKey(`problem.${code}`));
  expect(silent).toEqual([]);
  expect(isKey('notice.outbox.recovered') && isKey('notice.dictation.late_text')).toBe(true);
});

test('what can be done about a problem has a name on its button', () => {
  const remedies = read('state/remedies.ts').matchAll(/: '([a-z_]+)',/g);
  const rust = ['unlock_outbox', 'free_space', 'update', 'open_outbox', 'sign_in', 'choose_server', 'choose_microphone', 'allow_microphone', 'change_hotkey', 'open_diagnostics'];
  const nameless = [...[...remedies].map(([, action]) => action!), ...rust].filter((action) => !isKey(`action.${action}`));
  expect(nameless).toEqual([]);
});

test('what each model is for is said in the words of the command line', () => {
  const manifest = fileURLToPath(new URL('../../../models/manifest.json', import.meta.url));
  const { models } = JSON.parse(readFileSync(manifest, 'utf8')) as { models: { name: string; recommended_for?: { ru: string; en: string } }[] };
  const told = (catalogue: Record<string, unknown>): [string, unknown][] => models.map(({ name }) => [name, String(catalogue[`models.for.${name}`]).toLowerCase()]);
  expect(models.length).toBeGreaterThan(3);
  expect(told(ru)).toEqual(models.map(({ name, recommended_for: use }) => [name, `${use?.ru.toLowerCase()}.`]));
  expect(told(en)).toEqual(models.map(({ name, recommended_for: use }) => [name, `${use?.en.toLowerCase()}.`]));
});

test('a code newer than these screens is named', () => expect(problemText({ code: 'moon.full' })).toContain('moon.full'));

test('the language is the one chosen, then English where the system speaks it, else Russian', () => {
  expect(['ru-RU', 'be', 'en-GB', 'de', 'enm'].map((system) => resolveLanguage('system', system))).toEqual(['ru', 'ru', 'en', 'ru', 'ru']);
  expect(resolveLanguage('en', 'ru')).toBe('en');
});

test('lengths and sizes are written as people read them', () => {
  expect(duration(75.4)).toBe('1:15');
  expect(fileSize(1_530_000_000)).toMatch(/1,5/);
});

test('no component says anything that is not in the catalogues', () => {
  interface Node {
    type: string;
    data?: string;
    name?: string;
    value?: unknown;
    [more: string]: unknown;
  }
  const told: string[] = [];
  const SPOKEN = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'hint']);
  const walk = (node: unknown, file: string): void => {
    if (Array.isArray(node)) return node.forEach((one) => walk(one, file));
    if (typeof node !== 'object' || node === null) return;
    const { type, data, name, value } = node as Node;
    if (type === 'Text' && /\p{L}{2}/u.test(data ?? '')) told.push(`${file}: ${data?.trim()}`);
    if (type === 'Attribute') {
      const literal = Array.isArray(value) ? value.find((part: Node) => part.type === 'Text')?.data : undefined;
      // An address is no language.
      if (SPOKEN.has(name ?? '') && /^(?!https:).*\p{L}{2}/u.test((literal as string) ?? '')) told.push(`${file}: ${name}="${literal as string}"`);
      return;
    }
    for (const [key, child] of Object.entries(node)) if (key !== 'css' && key !== 'instance' && key !== 'module') walk(child, file);
  };
  for (const file of files('.svelte')) walk(parse(read(file), { modern: true }).fragment, file);
  expect(told).toEqual([]);
});
