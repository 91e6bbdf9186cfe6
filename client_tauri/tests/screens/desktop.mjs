/**
 * The desktop build in Chromium, with answers of our own where the shell would be: what only the desktop has is looked
 * at for accessibility, and the window's commands are held to the names and arguments that the shell knows.
 *
 *   npm run build && node tests/screens/desktop.mjs
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const BUILD = fileURLToPath(new URL('../../dist', import.meta.url));
const PICTURES = process.env.ALFAVOICE_SCREENSHOTS ?? fileURLToPath(new URL('../../test-results/screens', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
// The policy of src-tauri/tauri.conf.json, as far as a browser can be asked to hold it.
const POLICY = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: data:; style-src 'self'; script-src 'self'; connect-src 'self'";

const SNAPSHOT = {
  version: '0.1.0', kind: 'desktop', platform: 'linux-x11',
  dictation: { state: 'idle', take: null, since: null, stable: '', tail: '', undoUntil: null },
  route: { active: 'local', pinned: null, reason: 'preferred' },
  server: { kind: 'local', address: 'http://127.0.0.1:8765', reachable: true, signedIn: true, user: null, version: '0.1.0', problem: null },
  sidecar: { state: 'ready', problem: null, download: null },
  outbox: { state: 'open', waiting: 0, uploading: 0, failed: 0, problem: null },
  last: { text: 'Встретимся 25 мая в 10:30 у входа в библиотеку.', at: Date.UTC(2026, 10, 22, 8, 15), inserted: false, problem: { code: 'insertion.window_gone', message: '' } },
  firstStart: false,
};
const SETTINGS = {
  hotkeys: [{ action: 'dictate', chord: { modifiers: ['control', 'super'], key: null } }, { action: 'cancel', chord: { modifiers: [], key: 'Escape' } }],
  audio: { microphone: null, preRollMs: 300, keepOpenS: 30, sounds: true, muteOthers: false },
  insertion: { pasting: 'automatic', restoreClipboard: true, pastingByApp: {} },
  appearance: { theme: 'light', language: 'ru', overlay: true, overlayPlace: 'bottom' },
  start: { atLogin: true, hidden: true }, privacy: { keepStoredDays: 0, keepFailedDays: 30, tellApp: true }, updates: { check: true },
};
const DOWNLOAD = { name: 'large-v3-turbo', received: 610e6, total: 1620e6 };
const MODELS = {
  canChange: true, freeBytes: 82e9,
  models: [
    { name: 'base', version: '2', sizeBytes: 145e6, installed: true, active: true, verified: 'good', update: null, progress: null, problem: null },
    { name: 'large-v3-turbo', version: '1', sizeBytes: 1620e6, installed: false, active: false, verified: 'unknown', update: null, progress: { received: 610e6, total: 1620e6 }, problem: null },
    { name: 'small', version: '', sizeBytes: 0, installed: true, active: false, verified: 'bad', update: '2', progress: null, problem: null },
  ],
};
const TAKE = { take: '0192f7a4', state: 'failed', beganAt: Date.UTC(2026, 10, 22, 7, 0), seconds: 42, recovered: true, attempts: 3, nextAttemptAt: null, uploaded: 0, app: 'Firefox', text: null, audio: 'kept', problem: { code: 'recogniser.rejected', message: '' } };

const server = createServer((request, answer) => {
  const name = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname)).replace(/^\/$/, '/index.html');
  try {
    const content = readFileSync(join(BUILD, name));
    answer.writeHead(200, { 'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY }).end(content);
  } catch {
    answer.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: process.env.ALFAVOICE_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
mkdirSync(PICTURES, { recursive: true });

/** Opens a page whose shell answers as told; gives what it was asked. */
async function window_(path, { snapshot = {}, answers = {}, size = { width: 900, height: 600 }, locale = 'ru-RU', told = undefined } = {}) {
  const context = await browser.newContext({ viewport: size, locale, timezoneId: 'Asia/Vladivostok' });
  // As the shell's own script before any of the page's.
  if (told) await context.addInitScript(`globalThis.alfavoiceLanguage = "${told}";`);
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && complaints.push(message.text()));
  const known = {
    snapshot: { ...SNAPSHOT, ...snapshot }, settings: SETTINGS, models: MODELS, outbox_list: [], microphones: [{ id: 'usb', name: 'USB Microphone', default: true }],
    diagnostics: [{ code: 'outbox', state: 'warning', value: '2 / 1', problem: null }, { code: 'route', state: 'plain', value: 'outbox (server_unreachable)', problem: null }, { code: 'keychain', state: 'good', value: 'Secret Service', problem: null }, { code: 'hotkeys', state: 'bad', value: '', problem: { code: 'hotkey.taken', message: '' } }],
    request: null, cache_read: null, change_settings: SETTINGS, sidecar_log: [], ...answers,
  };
  await page.addInitScript((told) => {
    globalThis.asked = [];
    const listeners = new Map();
    let next = 1;
    globalThis.__TAURI_INTERNALS__ = {
      transformCallback: (run) => (listeners.set((next += 1), run), next),
      unregisterCallback: (id) => listeners.delete(id),
      invoke: async (command, args) => {
        if (command === 'plugin:event|listen') {
          globalThis.tell = (payload) => listeners.get(args.handler)?.({ event: args.event, id: 1, payload });
          return 1;
        }
        globalThis.asked.push([command, JSON.parse(JSON.stringify(args ?? {}))]);
        if (told[command]?.reject) throw told[command].reject;
        if (command === 'request' && told[args.call.path]) return told[args.call.path];
        return told[command] ?? null;
      },
    };
    globalThis.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener: () => undefined };
  }, known);
  await page.goto(url + path);
  await page.waitForLoadState('networkidle');
  return { page, context, complaints, asked: (command) => page.evaluate((name) => globalThis.asked.filter(([one]) => one === name).map(([, args]) => args), command) };
}

async function look({ page, complaints }, name) {
  await page.waitForTimeout(100);
  await page.screenshot({ path: join(PICTURES, `desktop-${name}.png`), animations: 'disabled' });
  // The policy holds for this page's own scripts; axe comes from outside.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], resultTypes: ['violations'] }));
  assert.deepEqual(violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`)), [], name);
  assert.deepEqual(complaints, [], name);
}

try {
  let window = await window_('/#/dictation');
  await look(window, 'dictation');
  await window.page.getByRole('button', { name: 'Вставить ещё раз' }).click();
  assert.deepEqual(await window.asked('paste_last'), [{}]);
  await window.page.getByRole('button', { name: 'Свернуть', exact: true }).click();
  assert.deepEqual(await window.asked('minimise'), [{}]);
  await window.page.evaluate((snapshot) => globalThis.tell({ type: 'snapshot', snapshot }), { ...SNAPSHOT, dictation: { ...SNAPSHOT.dictation, state: 'listening', take: 't', since: Date.now(), stable: 'Добрый день,', tail: ' коллеги' } });
  await window.page.getByText('Слушаю', { exact: true }).waitFor();
  await look(window, 'listening');
  await window.context.close();

  const trusted = { address: 'https://voice.example.org', version: '0.1.0', loginRequired: true, hasAdmin: true, certificate: 'unknown', fingerprint: 'AB:CD:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC' };
  window = await window_('/', { snapshot: { firstStart: true }, answers: { probe: trusted } });
  await look(window, 'first-start');
  await window.page.getByRole('button', { name: /Сервер нашей команды/ }).click();
  await window.page.getByLabel('Адрес сервера').fill(' voice.example.org ');
  await window.page.getByRole('button', { name: 'Проверить адрес' }).click();
  await window.page.getByText('AB:CD:12').waitFor();
  await look(window, 'certificate');
  await window.page.getByRole('button', { name: 'Отпечаток совпадает' }).click();
  await window.page.waitForTimeout(100);
  assert.deepEqual(await window.asked('trust_certificate'), [{ fingerprint: trusted.fingerprint }]);
  assert.deepEqual((await window.asked('probe'))[0], { address: 'voice.example.org' });
  await window.context.close();

  // The window speaks what the shell speaks, whatever its web view says, until somebody chooses: at once and for good.
  const unchosen = { ...SETTINGS, appearance: { ...SETTINGS.appearance, language: 'system' } };
  const english = { ...SETTINGS, appearance: { ...SETTINGS.appearance, language: 'en' } };
  window = await window_('/', { snapshot: { firstStart: true }, answers: { settings: unchosen, change_settings: english }, locale: 'en-GB', told: 'ru' });
  await window.page.getByRole('heading', { name: 'Где будет распознаваться речь?' }).waitFor();
  await window.page.getByRole('button', { name: 'English' }).click();
  await window.page.getByRole('button', { name: /On this computer/ }).waitFor();
  assert.deepEqual(await window.asked('change_settings'), [{ patch: { appearance: { language: 'en' } } }]);
  await look(window, 'first-start-english');
  await window.context.close();
  window = await window_('/', { snapshot: { firstStart: true }, answers: { settings: unchosen }, told: 'en' });
  await window.page.getByRole('button', { name: /On this computer/ }).waitFor();
  await window.context.close();

  // An address at which everybody could listen: nothing is chosen, the sentence says what to do, and it can be done at once.
  const insecure = { reject: { code: 'server.insecure', message: '', action: 'choose_server' } };
  window = await window_('/', { snapshot: { firstStart: true }, answers: { probe: insecure } });
  await window.page.getByRole('button', { name: /Сервер нашей команды/ }).click();
  await window.page.getByLabel('Адрес сервера').fill('http://voice.example.org');
  await window.page.getByRole('button', { name: 'Проверить адрес' }).click();
  await window.page.getByText(/Выберите сервер с адресом https:.*самоподписанный/).waitFor();
  await look(window, 'insecure-address');
  assert.equal(await window.page.getByRole('button', { name: 'Выбрать сервер' }).count(), 0, 'it is chosen on this very screen');
  assert.equal(await window.page.getByLabel('Адрес сервера').inputValue(), 'http://voice.example.org');
  assert.deepEqual(await window.asked('choose_server'), []);
  await window.context.close();

  // A slip in the address: it is the address that is to be looked at. Before there is a server, Escape goes no further than the choice.
  window = await window_('/', { snapshot: { firstStart: true }, answers: { probe: { reject: { code: 'server.unreachable', message: '' } } } });
  await window.page.getByRole('button', { name: /Сервер нашей команды/ }).click();
  await window.page.getByLabel('Адрес сервера').fill('https://vioce.example.org');
  await window.page.getByRole('button', { name: 'Проверить адрес' }).click();
  await window.page.getByText(/Проверьте адрес: нет ли опечатки/).waitFor();
  await look(window, 'mistyped-address');
  await window.page.keyboard.press('Escape');
  await window.page.getByRole('button', { name: /На этом компьютере/ }).waitFor();
  assert.equal(await window.page.getByRole('alert').count(), 0);
  await window.page.keyboard.press('Escape');
  await window.page.waitForTimeout(100);
  await window.page.getByRole('button', { name: /На этом компьютере/ }).waitFor();
  assert.equal(await window.page.getByRole('button', { name: 'Назад' }).count(), 0);
  await window.context.close();

  // Another server: whoever thinks better of it comes back to where they were, by the button and by Escape.
  window = await window_('/#/settings');
  for (const leave of [() => window.page.getByRole('button', { name: 'Назад' }).click(), () => window.page.keyboard.press('Escape')]) {
    await window.page.getByRole('button', { name: 'Сервер и вход', exact: true }).click();
    await window.page.getByRole('button', { name: 'Выбрать другой сервер' }).click();
    await window.page.getByRole('button', { name: /Сервер нашей команды/ }).waitFor();
    await look(window, 'another-server');
    await leave();
    await window.page.getByRole('heading', { name: 'Настройки', exact: true }).waitFor();
  }
  assert.deepEqual(await window.asked('choose_server'), []);
  await window.context.close();

  // On this computer, where no model is installed yet: one click fetches it, and the way out is a click too.
  const none = { canChange: true, freeBytes: 82e9, models: [{ ...MODELS.models[0], installed: false, active: false, verified: 'unknown' }, MODELS.models[1]] };
  window = await window_('/', { snapshot: { firstStart: true, sidecar: { state: 'stopped', problem: null, download: null } }, answers: { models: none } });
  await window.page.getByRole('button', { name: /На этом компьютере/ }).click();
  await window.page.getByText('Нужна модель').waitFor();
  await look(window, 'first-model');
  assert.deepEqual(await window.asked('choose_server'), [{ choice: { kind: 'local' } }]);
  await window.page.getByRole('button', { name: 'Загрузить и начать' }).click();
  await window.page.evaluate((snapshot) => globalThis.tell({ type: 'snapshot', snapshot }), { ...SNAPSHOT, firstStart: true, sidecar: { state: 'stopped', problem: null, download: { name: 'base', received: 61e6, total: 145e6 } } });
  await window.page.getByRole('button', { name: 'Отменить загрузку' }).click();
  assert.deepEqual([await window.asked('install_model'), await window.asked('cancel_install')], [[{ name: 'base' }], [{}]]);
  await window.context.close();

  // The key for the last word: its right form is typed and Enter keeps it; without a server what was typed is kept.
  const away = { code: 'server.unreachable', message: '' };
  window = await window_('/#/history', { answers: { request: { reject: away } } });
  await window.page.evaluate(() => globalThis.tell({ type: 'fix_word', word: 'кубернетес' }));
  await window.page.getByRole('heading', { name: 'Как писать это слово?' }).waitFor();
  assert.equal(await window.page.getByLabel('Когда слышно').inputValue(), 'кубернетес');
  await window.page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent?.includes('Писать'));
  await window.page.keyboard.type('Kubernetes');
  await window.page.keyboard.press('Enter');
  await window.page.getByText('Набранное сохранено').waitFor();
  await look(window, 'fix-word');
  const sent = (await window.asked('request')).map(({ call }) => call).find(({ method }) => method === 'POST');
  assert.deepEqual(sent, { method: 'POST', path: '/v1/dictionary', body: { term: 'Kubernetes', sounds_like: ['кубернетес'], language: null, is_case_sensitive: false } });
  assert.equal((await window.asked('cache_write')).find(({ key }) => key === 'draft/term').value.term.length > 0, true);
  await window.page.evaluate(() => globalThis.tell({ type: 'notice', kind: 'problem', code: 'server.changed_certificate', message: '' }));
  await window.page.getByRole('button', { name: 'Выбрать сервер' }).waitFor();
  await window.context.close();

  // Of whom the server knows no time zone it is told that of this computer, and the person can choose another.
  window = await window_('/#/settings', { answers: { request: { change: 3, said: ['style'], values: { time_zone: 'Europe/Moscow', style: 'chat' } } } });
  const changes = async () => (await window.asked('request')).map(({ call }) => call).filter(({ method }) => method === 'PATCH');
  assert.deepEqual(await changes(), [{ method: 'PATCH', path: '/v1/preferences', query: { if_change: 3 }, body: { time_zone: 'Asia/Vladivostok' } }]);
  await window.page.getByRole('button', { name: 'Обработка текста', exact: true }).click();
  await window.page.getByLabel('Часовой пояс').selectOption({ label: 'Екатеринбург' });
  await look(window, 'settings-text');
  assert.deepEqual((await changes()).at(-1).body, { time_zone: 'Asia/Yekaterinburg' });
  await window.context.close();

  window = await window_('/#/settings', { answers: { record_hotkey: null } });
  for (const [section, name] of [['Клавиши', 'hotkeys'], ['Микрофон и звук', 'audio'], ['Вставка текста', 'insertion'], ['Сервер и вход', 'server'], ['Приватность', 'privacy'], ['Вид и язык', 'look'], ['Обновления', 'updates']]) {
    await window.page.getByRole('button', { name: section, exact: true }).click();
    await look(window, `settings-${name}`);
  }
  await window.page.getByRole('button', { name: 'Клавиши', exact: true }).click();
  await window.page.getByRole('button', { name: 'Изменить: Диктовка' }).click();
  await window.page.getByText('Нажмите сочетание').waitFor();
  const chord = { modifiers: ['control', 'alt'], key: 'Space' };
  await window.page.evaluate((held) => globalThis.tell({ type: 'hotkey_recorded', chord: held, problem: null }), chord);
  await window.page.waitForTimeout(100);
  assert.deepEqual((await window.asked('change_settings')).at(-1).patch.hotkeys.find(({ action }) => action === 'dictate').chord, chord);
  await window.context.close();

  for (const [screen, name, extra] of [
    ['models', 'models', { snapshot: { sidecar: { state: 'ready', problem: null, download: DOWNLOAD } } }],
    ['diagnostics', 'diagnostics', {}],
    ['outbox', 'outbox', { answers: { outbox_list: [TAKE] } }],
    ['outbox', 'outbox-locked', { snapshot: { outbox: { ...SNAPSHOT.outbox, state: 'locked', problem: { code: 'outbox.passphrase_needed', message: '', action: 'unlock_outbox' } } } }],
    ['outbox', 'outbox-closed', { snapshot: { outbox: { ...SNAPSHOT.outbox, state: 'locked', problem: { code: 'outbox.locked', message: '', action: 'unlock_outbox' } } } }],
    ['outbox', 'outbox-key-lost', { snapshot: { outbox: { ...SNAPSHOT.outbox, state: 'key_lost', problem: { code: 'outbox.key_lost', message: '' } } } }],
  ]) {
    window = await window_(`/#/${screen}`, extra);
    await look(window, name);
    if (screen === 'models') {
      await window.page.getByText('Точнее base; процессор с 8 и более ядрами или любая видеокарта.').waitFor();
      await window.page.getByText('Размер неизвестен').waitFor();
    }
    if (screen === 'diagnostics') {
      await window.page.getByText('2 / 1', { exact: true }).waitFor();
      await window.page.getByText('Исходящие. Сервера нет на связи: записи ждут здесь и уйдут сами').waitFor();
    }
    await window.context.close();
  }

  // A phrase that is being made up is typed twice, long enough, and told to be lost for good; one that is asked for, once.
  const locked = (code) => ({ outbox: { ...SNAPSHOT.outbox, state: 'locked', problem: { code, message: '', action: 'unlock_outbox' } } });
  window = await window_('/#/outbox', { snapshot: locked('outbox.passphrase_unset') });
  await window.page.getByRole('heading', { name: 'Придумайте парольную фразу' }).waitFor();
  await window.page.getByText(/Восстановить её никто не сможет/).waitFor();
  const phrase = window.page.getByLabel('Парольная фраза', { exact: true });
  const again = window.page.getByLabel('Ещё раз', { exact: true });
  const set = window.page.getByRole('button', { name: 'Задать фразу' });
  for (const [first, second, told] of [['abc', 'abc', /Слишком коротко/], ['восемь слов лучше', 'восемь слов луче', /не совпали/]]) {
    await phrase.fill(first);
    await again.fill(second);
    await set.click();
    await window.page.getByRole('alert').filter({ hasText: told }).waitFor();
  }
  await look(window, 'outbox-passphrase-new');
  assert.deepEqual(await window.asked('outbox_unlock'), []);
  await again.fill('восемь слов лучше');
  await set.click();
  await window.page.waitForFunction(() => globalThis.asked.some(([command]) => command === 'outbox_unlock'));
  assert.deepEqual(await window.asked('outbox_unlock'), [{ passphrase: 'восемь слов лучше' }]);
  await window.context.close();
  window = await window_('/#/outbox', { snapshot: locked('outbox.wrong_passphrase') });
  await look(window, 'outbox-passphrase-wrong');
  assert.equal(await window.page.getByLabel('Ещё раз', { exact: true }).count(), 0);
  await window.page.getByRole('button', { name: /Фраза забыта/ }).click();
  assert.deepEqual(await window.asked('outbox_put_aside'), [{}]);
  await window.context.close();

  // What waits for a former server is sent to the one of now with one press; what was dropped is not counted.
  const former = { ...TAKE, take: 'former', state: 'pending', problem: { code: 'outbox.other_server', message: '' } };
  const dropped = { ...TAKE, take: 'dropped', state: 'cancelled', problem: null };
  window = await window_('/#/outbox', { answers: { outbox_list: [former, TAKE, dropped] } });
  const all = window.page.getByRole('button', { name: 'Повторить все (2)' });
  await all.waitFor();
  await look(window, 'outbox-retry-all');
  await window.page.getByRole('heading', { name: 'Исходящие' }).focus();
  const reached = () => all.evaluate((button) => button === document.activeElement);
  // The pane that scrolls comes first.
  for (let stops = 0; stops < 2 && !(await reached()); stops += 1) await window.page.keyboard.press('Tab');
  assert.equal(await reached(), true, 'the first control of the screen');
  await window.page.keyboard.press('Enter');
  await window.page.waitForTimeout(100);
  assert.deepEqual([await window.asked('outbox_retry_all'), await window.asked('outbox_retry')], [[{}], []]);
  await window.context.close();
  window = await window_('/#/outbox', { answers: { outbox_list: [TAKE, dropped] } });
  await window.page.getByRole('button', { name: 'Распознать' }).first().waitFor();
  assert.equal(await window.page.getByRole('button', { name: /Повторить все/ }).count(), 0, 'one take has a button of its own');
  await window.context.close();

  // That the microphone is silent is taken back when sound comes; a pause after words is not said to be silence.
  const listening = { ...SNAPSHOT.dictation, state: 'listening', take: '1', since: Date.now() - 60_000 };
  window = await window_('/#/dictation', { snapshot: { dictation: listening } });
  await window.page.evaluate(() => globalThis.tell({ type: 'notice', kind: 'problem', code: 'microphone.silent', message: '' }));
  const silent = window.page.locator('.toast').getByText('Микрофон молчит');
  await silent.waitFor();
  await window.page.evaluate(() => globalThis.tell({ type: 'taken_back', code: 'microphone.silent' }));
  await silent.waitFor({ state: 'detached', timeout: 2000 });
  await window.context.close();

  // What the server has stored and this computer has forgotten is neither played nor exported: it would be silence.
  const stored = { ...TAKE, take: 'stored', state: 'stored', recovered: false, text: 'Добрый день.', audio: 'forgotten', problem: null };
  window = await window_('/#/outbox', { answers: { outbox_list: [stored, { ...stored, take: 'kept', audio: 'kept' }] } });
  await window.page.getByText('Звук уже забыт').waitFor();
  assert.equal(await window.page.getByRole('button', { name: 'Удалить' }).count(), 2);
  assert.equal(await window.page.getByRole('button', { name: 'Прослушать' }).count(), 1, 'only what is still here is played');
  assert.equal(await window.page.getByRole('button', { name: 'Выгрузить' }).count(), 1, 'only what is still here is exported');
  await look(window, 'outbox-forgotten');
  await window.context.close();

  window = await window_('/overlay.html', { size: { width: 560, height: 120 }, snapshot: { dictation: { ...SNAPSHOT.dictation, state: 'listening', stable: 'Добрый день, коллеги. Сегодня', tail: ' говорим о плане' } } });
  await window.page.evaluate(() => globalThis.tell({ type: 'level', rms: 0.1, peak: 0.3 }));
  await window.page.getByText('Добрый день').waitFor();
  await window.page.screenshot({ path: join(PICTURES, 'desktop-overlay.png') });
  assert.equal(await window.page.locator('button, a, input, [tabindex]').count(), 0, 'nothing in the overlay can take the focus');
  assert.deepEqual(window.complaints, []);
  console.log(`the desktop's screens: all passed; pictures in ${PICTURES}`);
} finally {
  await browser.close();
  server.close();
}
