/** The page of the service on which somebody invited makes their account: what they do, and both themes looked at for accessibility. */
import assert from 'node:assert/strict';

const PATIENCE = { timeout: 20_000 };
const PASSWORD = 'четыре жёлтых зонта';

/**
 * @param server as `service()` gives it, with an administrator.
 * @param page a page of nobody's.
 * @param violations looks at a page for accessibility.
 * @param pictures folder for screenshots.
 */
export async function welcome({ server, page, violations, pictures }) {
  const invite = (...flags) => server.command(['users', 'invite', '--server', server.url, ...flags]).trim();
  const open = async (link) => {
    await page.goto('about:blank'); // a page that knows nothing of the one before
    await page.goto(link);
  };
  const look = async (name) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(page), [], `${name}, ${colorScheme}`);
      await page.screenshot({ path: `${pictures}/welcome-${name}-${colorScheme}.png`, animations: 'disabled' });
    }
    await page.emulateMedia({ colorScheme: 'light' });
  };
  const submit = page.getByRole('button', { name: 'Создать учётную запись' });
  const signIn = page.getByRole('link', { name: 'На страницу сервера' });
  const password = page.getByLabel('Пароль', { exact: true });
  const again = page.getByLabel('Пароль ещё раз');

  const named = invite('--login', 'olga');
  await open(named);
  const login = page.getByLabel('Логин');
  await login.waitFor(PATIENCE);
  assert.equal(await login.inputValue(), 'olga');
  assert.equal(await login.isEditable(), false, 'the login of the invitation is not to be changed');
  assert.equal(new URL(page.url()).hash, '', 'the invitation is not in the address any more');
  await look('invited');

  await password.fill('короткий');
  await submit.click();
  await page.getByText('Пароль короче 10 знаков.').waitFor(PATIENCE);
  await password.fill(PASSWORD);
  await again.fill('другой пароль совсем');
  await submit.click();
  await page.getByText('Пароли не совпадают.').waitFor(PATIENCE);
  assert.equal(await again.getAttribute('aria-invalid'), 'true');
  await password.fill('password123');
  await again.fill('password123');
  await submit.click();
  await page.getByText('Этот пароль слишком простой.').waitFor(PATIENCE);
  await look('refused');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByText('This password is too simple.').waitFor(PATIENCE);
  await look('english');
  await page.getByRole('button', { name: 'Русский' }).click();
  await page.setViewportSize({ width: 360, height: 740 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `it is ${wide} px too wide for a telephone`);
  await page.setViewportSize({ width: 1180, height: 760 });

  await password.fill(PASSWORD);
  await again.fill(PASSWORD);
  await submit.click();
  await page.getByText('учётная запись olga создана').waitFor(PATIENCE);
  await look('done');

  await open(named);
  await page.getByText('Приглашение использовано').waitFor(PATIENCE);
  assert.equal(await login.isVisible(), false, 'nothing can be filled in for an invitation that was used');
  await open(`${server.url}/welcome`);
  await page.getByText('Ссылка неполная').waitFor(PATIENCE);

  // As people do who are told so: only what stands after the # is another, so nothing is loaded.
  await page.goto(invite('--login', 'petr'));
  await page.getByText('под этим логином').waitFor(PATIENCE);
  assert.equal(await login.inputValue(), 'petr');
  assert.equal(new URL(page.url()).hash, '', 'the second invitation is not in the address either');
  await password.fill(PASSWORD);
  await page.goto(invite());
  await page.getByText('Придумайте логин и пароль').waitFor(PATIENCE);
  await page.getByText('Буквы, цифры и знаки').waitFor(PATIENCE);
  assert.deepEqual([await login.inputValue(), await password.inputValue()], ['', ''], 'nothing is left of the invitation before');
  assert.equal(new URL(page.url()).hash, '');
  assert.equal(await login.isEditable(), true);
  await login.fill('olga');
  await password.fill(PASSWORD);
  await again.fill(PASSWORD);
  await submit.click();
  await page.getByText('Этот логин занят.').waitFor(PATIENCE);

  // What stands between the page and the server answers in its own words, then the server's answer is lost on the way.
  const lost = invite('--login', 'fyodor');
  await open(lost);
  await page.getByText('под этим логином').waitFor(PATIENCE);
  await password.fill(PASSWORD);
  await again.fill(PASSWORD);
  const accepting = '**/v1/auth/invitation';
  for (const [answer, said] of [
    [{ status: 429, contentType: 'text/html', body: '<html>' }, 'Слишком много попыток'],
    [{ status: 429, contentType: 'application/problem+json', body: '{"code":"auth.too_many_attempts"}' }, 'Слишком много попыток'],
    [{ status: 502, contentType: 'text/html', body: '<html>' }, 'Сервер не отвечает'],
    [{ status: 200, contentType: 'text/html', body: '<html>' }, 'Не получилось'],
  ]) {
    await page.route(accepting, (route) => route.fulfill(answer), { times: 1 });
    await submit.click();
    await page.getByText(said).waitFor(PATIENCE);
  }
  await page.route(accepting, async (route) => {
    await route.fetch();
    await route.abort();
  }, { times: 1 });
  await submit.click();
  await page.getByText('Сервер не отвечает').waitFor(PATIENCE);
  await submit.click();
  await page.getByText('Похоже, учётная запись уже создана').waitFor(PATIENCE);
  assert.equal(await signIn.getAttribute('href'), './');
  await look('lost');
  await page.goto(lost);
  await page.getByText('Похоже, учётная запись уже создана').waitFor(PATIENCE);

  // The account was made otherwise meanwhile.
  const late = invite('--login', 'vera');
  server.command(['users', 'add', 'vera', '--password-stdin'], `${PASSWORD}\n`);
  await open(late);
  await page.getByText('под этим логином').waitFor(PATIENCE);
  await password.fill(PASSWORD);
  await again.fill(PASSWORD);
  await submit.click();
  await page.getByText('попросите у того, кто вас пригласил, другую ссылку').waitFor(PATIENCE);
  await signIn.waitFor(PATIENCE);
  await look('late');

  for (const [system, said] of [['de-DE', 'Ссылка неполная'], ['en-GB', 'The link is not complete']]) {
    await page.addInitScript((language) => Object.defineProperty(navigator, 'language', { value: language, configurable: true }), system);
    await open(`${server.url}/welcome`);
    await page.getByText(said).waitFor(PATIENCE);
  }
}
