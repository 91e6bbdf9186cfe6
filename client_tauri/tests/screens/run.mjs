/**
 * The interface in Chromium, its browser back end, a real service: what a person does, then each screen looked at for
 * accessibility in both themes and languages. Screenshots are left in test-results/screens.
 *
 *   npm run build:web && npm run screens
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { babble, service } from './service.mjs';
import { welcome } from './welcome.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = process.env.ALFAVOICE_SCREENSHOTS ?? fileURLToPath(new URL('../../test-results/screens', import.meta.url));
const SCREENS = ['dictation', 'history', 'notes', 'snippets', 'dictionary', 'outbox', 'statistics', 'news', 'models', 'settings', 'diagnostics'];
const PASSWORD = 'шесть синих слонов';
const PATIENCE = { timeout: 20_000 };
const ZONE = 'Asia/Vladivostok';

const folder = mkdtempSync(join(tmpdir(), 'alfavoice-browser-'));
mkdirSync(PICTURES, { recursive: true });
const speech = join(folder, 'speech.wav');
babble(speech);
const server = await service();
let context;
let page;
const failures = [];
const complaints = [];

async function step(name, what) {
  const began = Date.now();
  try {
    await what();
    console.log(`ok    ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failures.push(name);
    console.error(`FAIL  ${name}: ${error.stack ?? error}`);
    await page?.screenshot({ path: join(PICTURES, `failed-${failures.length}.png`) }).catch(() => undefined);
  }
}

async function until(holds, what) {
  const deadline = Date.now() + PATIENCE.timeout;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `${what} never came`);
    await page.waitForTimeout(100);
  }
}

const picture = (name) => page.screenshot({ path: join(PICTURES, `${name}.png`), animations: 'disabled' });
const open = async (screen) => {
  await page.evaluate((name) => (location.hash = `/${name}`), screen);
  await page.locator('h1').first().waitFor(PATIENCE);
};
const button = (name) => page.getByRole('button', { name, exact: true }).first();

async function api(method, path, body, token) {
  const answer = await fetch(server.url + path, {
    method, body: body && JSON.stringify(body),
    headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) },
  });
  return answer.status === 204 ? null : answer.json();
}
async function has(login, path) {
  const { access_token: token } = await api('POST', '/v1/auth/login', { login, password: PASSWORD, device: { name: 'check' } });
  return api('GET', path, undefined, token);
}
const transcripts = async () => (await has('anna', '/v1/history')).items;

async function signIn(login) {
  await page.getByLabel('Логин').fill(login);
  await page.getByLabel('Пароль', { exact: true }).fill(PASSWORD);
  await button('Войти').click();
}
async function signOut({ forget }) {
  await open('settings');
  await button('Сервер и вход').click();
  if (!forget) await page.getByLabel('Забыть на этом компьютере').uncheck();
  await button('Выйти').click();
}

async function dictate(ms) {
  await open('dictation');
  await button('Начать диктовку').click();
  await page.getByText('Слушаю', { exact: true }).waitFor(PATIENCE);
  await page.waitForTimeout(ms);
}

async function violations(of) {
  await of.evaluate(AXE);
  const { violations: found } = await of.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], resultTypes: ['violations'] }));
  return found.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`));
}

function watched(one) {
  one.on('console', (message) => {
    if (/Content Security Policy|Uncaught/i.test(message.text())) complaints.push(message.text());
  });
  one.on('pageerror', (error) => complaints.push(String(error)));
  return one;
}

async function launch() {
  context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: process.env.ALFAVOICE_CHROMIUM ?? '/usr/bin/chromium', viewport: { width: 1180, height: 760 }, locale: 'ru-RU', timezoneId: ZONE, colorScheme: 'light', serviceWorkers: 'allow',
    args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${speech}`],
  });
  page = watched(context.pages()[0] ?? (await context.newPage()));
}

try {
  await server.start();
  server.command(['users', 'add', 'anna', '--admin', '--name', 'Анна', '--password-stdin'], `${PASSWORD}\n`);
  await launch();

  await step('somebody invited makes their account', async () => {
    const guest = watched(await context.newPage());
    await welcome({ server, page: guest, violations, pictures: PICTURES });
    await guest.close();
  });

  await step('somebody signs in, after a wrong password was explained', async () => {
    await page.goto(server.url);
    await page.getByLabel('Логин').fill('anna');
    await page.getByLabel('Пароль', { exact: true }).fill('не тот пароль совсем');
    await button('Войти').click();
    await page.getByText('Логин или пароль неверны').waitFor(PATIENCE);
    await picture('sign-in');
    await signIn('anna');
    await page.getByRole('heading', { name: 'Диктовка', level: 1 }).waitFor(PATIENCE);
    await picture('dictation-idle');
  });

  await step('speech from the microphone becomes text while it is spoken, and is in the history', async () => {
    await dictate(4000);
    await page.waitForFunction(() => document.querySelector('.live-text .soft') === null, undefined, PATIENCE);
    await picture('dictation-listening');
    await button('Закончить').click();
    const last = page.getByTestId('last-text');
    await last.waitFor(PATIENCE);
    const text = (await last.textContent()).trim();
    assert.ok(text.length > 3, 'a text came');
    await picture('dictation-done');
    const [entry, ...others] = await transcripts();
    assert.ok(text.startsWith(entry.preview.replace(/…$/, '')), 'the same text is stored');
    assert.equal(others.length, 0);
    await open('history');
    await page.locator('.entry .preview').first().click();
    assert.equal((await page.locator('article .text').textContent()).trim(), text);
    await open('outbox');
    await page.getByText('Всё сохранено на сервере').waitFor(PATIENCE);
  });

  await step('Esc cancels, and a cancelled take can be brought back', async () => {
    await dictate(1500);
    await page.keyboard.press('Escape');
    await page.getByText('Диктовка отменена').waitFor(PATIENCE);
    await page.waitForTimeout(500);
    assert.equal((await transcripts()).length, 1);
    await button('Вернуть запись').click();
    await until(async () => (await transcripts()).length === 2, 'its text');
    await page.waitForFunction(() => document.querySelector('.badge') === null, undefined, PATIENCE);
  });

  await step('the dictionary keeps what is heard and what is to be written', async () => {
    await open('dictionary');
    await button('Новое слово').click();
    await page.getByLabel('Когда слышно').fill('кубернетес, кубер');
    await page.getByLabel('Писать').fill('Kubernetes');
    await button('Сохранить').click();
    await page.getByRole('cell', { name: 'кубернетес, кубер' }).waitFor(PATIENCE);
    await button('Удалить: Kubernetes').click();
    await button('Вернуть').click();
    await page.getByRole('cell', { name: 'кубернетес, кубер' }).waitFor(PATIENCE);
  });

  await step('snippets show how they will look, notes save themselves', async () => {
    await open('snippets');
    await button('Новый шаблон').click();
    await page.getByLabel('Что сказать').fill('моя подпись');
    await page.getByLabel('Что появится').fill('С уважением, {name}');
    await page.getByText('С уважением, Анна').waitFor(PATIENCE);
    await button('Сохранить').click();
    await page.getByText('моя подпись').waitFor(PATIENCE);
    await open('notes');
    await button('Новая заметка').click();
    await page.getByLabel('Название').fill('План на неделю');
    await page.getByLabel('Текст заметки').fill('Позвонить в типографию, проверить макет обложки.');
    await page.getByText('Сохранено', { exact: true }).waitFor(PATIENCE);
    await page.getByRole('button', { name: /План на неделю/ }).waitFor(PATIENCE);
  });

  await step('settings hold: the theme here, the text on the server', async () => {
    await open('settings');
    await button('Обработка текста').click();
    await page.getByRole('switch', { name: 'Скрывать брань' }).check();
    await page.reload();
    await page.getByRole('switch', { name: 'Скрывать брань' }).waitFor(PATIENCE);
    await page.waitForFunction(() => [...document.querySelectorAll('[role=switch]')].some((input) => input.checked && input.closest('.switch').textContent.includes('брань')), undefined, PATIENCE);
    // Of whom the server knew no zone it knows that of this machine by now; what is chosen then stays.
    const zone = page.getByLabel('Часовой пояс');
    assert.equal(await zone.inputValue(), ZONE);
    assert.equal(await zone.locator('option:checked').textContent(), 'Как на устройстве: Владивосток');
    await picture('settings-zone');
    await zone.selectOption({ label: 'Калининград' });
    await until(async () => (await has('anna', '/v1/preferences')).values.time_zone === 'Europe/Kaliningrad', 'her zone');
    await page.reload();
    await until(async () => (await zone.inputValue()) === 'Europe/Kaliningrad', 'the zone she chose');
    for (const theme of ['light', 'dark']) {
      await page.evaluate((name) => (document.documentElement.dataset.theme = name), theme);
      await picture(`settings-text-${theme}`);
      assert.deepEqual(await violations(page), [], `settings of texts, ${theme}`);
    }
    await button('Вид и язык').click();
    await page.getByLabel('Тема').selectOption('dark');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await page.getByLabel('Тема').selectOption('system');
  });

  await step('without a server recordings wait, also over a restart of the browser; then each is in the history once', async () => {
    const before = (await transcripts()).length;
    await open('history');
    await page.locator('.entry').first().waitFor(PATIENCE);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, PATIENCE);
    // One while the server goes away in the middle of it.
    await dictate(2500);
    await server.stop();
    await page.waitForTimeout(1500);
    await button('Закончить').click();
    await page.getByText('Готово к диктовке').waitFor(PATIENCE);
    // Two wholly without it.
    for (let index = 0; index < 2; index += 1) {
      await dictate(2200);
      await button('Закончить').click();
      await page.getByText('Готово к диктовке').waitFor(PATIENCE);
    }
    await picture('dictation-offline');
    await open('outbox');
    await page.getByText('Ждёт отправки').nth(2).waitFor(PATIENCE);
    await picture('outbox-waiting');
    await open('history');
    await page.getByText('Нет связи с сервером: показано').waitFor(PATIENCE);
    await page.locator('.entry').first().waitFor(PATIENCE);
    await picture('history-offline');
    await context.close();
    await launch();
    await page.goto(server.url);
    await open('outbox');
    await page.getByText('Ждёт отправки').nth(2).waitFor(PATIENCE);
    await server.start();
    await page.getByText('Всё сохранено на сервере').waitFor({ timeout: 60_000 });
    assert.equal((await transcripts()).length, before + 3);
  });

  await step('what is said in a second page is sent by the first, and neither shows a failure', async () => {
    const before = (await transcripts()).length;
    await server.stop();
    const first = page;
    page = await context.newPage();
    await page.goto(server.url);
    await dictate(2200);
    await button('Закончить').click();
    await page.getByText('Готово к диктовке').waitFor(PATIENCE);
    await open('outbox');
    await page.getByText('Ждёт отправки', { exact: true }).waitFor(PATIENCE);
    await server.start();
    await until(async () => (await transcripts()).length === before + 1, 'its text');
    await page.getByText('Всё сохранено на сервере').waitFor(PATIENCE);
    await page.close();
    page = first;
    await open('outbox');
    await page.getByText('Всё сохранено на сервере').waitFor(PATIENCE);
    assert.equal((await transcripts()).length, before + 1);
  });

  await step('what one person said, noted and saw here is shown and sent to nobody who signs in after them', async () => {
    server.command(['users', 'add', 'boris', '--name', 'Борис', '--password-stdin'], `${PASSWORD}\n`);
    const before = (await transcripts()).length;
    await server.stop();
    await open('notes');
    await button('Новая заметка').click();
    await page.getByLabel('Название').fill('Только для Анны');
    await dictate(2200);
    await button('Закончить').click();
    await page.getByText('Готово к диктовке').waitFor(PATIENCE);
    await signOut({ forget: false });
    await server.start();
    await signIn('boris');
    await page.getByRole('heading', { name: 'Диктовка', level: 1 }).waitFor(PATIENCE);
    assert.equal(await page.getByTestId('last-text').count(), 0);
    await open('notes');
    await page.getByText('Заметок пока нет').waitFor(PATIENCE);
    assert.equal(await page.getByLabel('Название').count(), 0);
    await open('outbox');
    await page.getByText('Эту запись сделал другой человек').waitFor(PATIENCE);
    await button('Отправить сейчас').click();
    await picture('outbox-other-person');
    // What this one says now goes past it.
    await dictate(2200);
    await button('Закончить').click();
    await until(async () => (await has('boris', '/v1/history')).items.length === 1, 'his text');
    await open('history');
    await page.locator('.preview').first().waitFor(PATIENCE);
    assert.equal(await page.locator('.preview').count(), 1);
    await open('outbox');
    await page.getByText('Эту запись сделал другой человек').waitFor(PATIENCE);
    assert.deepEqual((await has('boris', '/v1/notes')).notes, []);
    assert.equal((await transcripts()).length, before);
    await signOut({ forget: false });
    await signIn('anna');
    await page.getByRole('heading', { name: 'Диктовка', level: 1 }).waitFor(PATIENCE);
    await until(async () => (await transcripts()).length === before + 1, 'her text');
    await open('notes');
    await until(async () => (await has('anna', '/v1/notes')).notes.some(({ title }) => title === 'Только для Анны'), 'her note');
    assert.equal((await has('boris', '/v1/history')).items.length, 1);
  });

  await step('every screen can be used with a screen reader, in both themes and languages, and fits', async () => {
    for (const language of ['ru', 'en']) {
      for (const theme of ['light', 'dark']) {
        await page.evaluate((look) => localStorage.setItem('alfavoice.settings', JSON.stringify({ appearance: look })), { language, theme });
        await page.reload();
        for (const screen of SCREENS) {
          await open(screen);
          await page.waitForTimeout(120);
          assert.deepEqual(await violations(page), [], `${screen}, ${theme}, ${language}`);
          await picture(`${screen}-${theme}-${language}`);
        }
      }
    }
  });

  for (const [name, width, height] of [['small', 900, 600], ['phone', 390, 780]]) {
    await step(`nothing is cut off at ${width} × ${height}`, async () => {
      await page.evaluate(() => localStorage.setItem('alfavoice.settings', JSON.stringify({ appearance: { language: 'ru', theme: 'light' } })));
      await page.setViewportSize({ width, height });
      await page.reload();
      for (const screen of SCREENS) {
        await open(screen);
        await page.waitForTimeout(200);
        await picture(`${screen}-${name}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${screen} is ${wide} px too wide`);
        const cut = await page.evaluate(() =>
          [...document.querySelectorAll('main button, main input, main select, main h1, main h2')]
            .filter((element) => element.checkVisibility() && !element.closest('.hidden-visually'))
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 || element.getBoundingClientRect().left < -1)
            .map((element) => element.outerHTML.slice(0, 120)),
        );
        assert.deepEqual(cut, [], screen);
      }
    });
  }

  await step('everything was done within the policy of the pages', () => assert.deepEqual(complaints, []));

  await step('signing out takes the copies along', async () => {
    await page.setViewportSize({ width: 1180, height: 760 });
    await signOut({ forget: true });
    await page.getByRole('heading', { name: 'Вход', exact: true }).waitFor(PATIENCE);
    const kept = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const opening = indexedDB.open('alfavoice');
          opening.onsuccess = () => {
            const asking = opening.result.transaction('kept').objectStore('kept').getAllKeys();
            asking.onsuccess = () => resolve(asking.result.filter((key) => key.startsWith('cache/')));
          };
        }),
    );
    assert.deepEqual(kept, []);
  });
} finally {
  await context?.close().catch(() => undefined);
  await server.end();
  rmSync(folder, { recursive: true, force: true });
}
console.log(failures.length ? `${failures.length} failed` : `all passed; pictures in ${PICTURES}`);
process.exitCode = failures.length ? 1 : 0;
