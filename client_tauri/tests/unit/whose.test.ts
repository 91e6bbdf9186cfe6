import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Account } from '../../src/backend/browser/account';
import { Api } from '../../src/backend/browser/api';
import { Outbox, shown } from '../../src/backend/browser/outbox';
import { Uploads } from '../../src/backend/browser/uploads';
import { OTHER_PERSON, formerKey, placeOf, type Whose } from '../../src/backend/browser/whose';
import { Locks, RANGES, vaultOver, type Rows } from './machine';

const ANNA = '0192f7a4-7c11-7000-8000-000000000001';
const BORIS = '0192f7a4-7c11-7000-8000-000000000002';

let rows: Rows;
beforeEach(() => {
  rows = new Map();
  vi.stubGlobal('IDBKeyRange', RANGES);
  vi.stubGlobal('navigator', { locks: new Locks(), userAgent: 'Firefox' });
});
afterEach(() => vi.unstubAllGlobals());

/** An outbox with a take of each of these people's, named after them. */
async function outboxOf(...people: Whose[]): Promise<Outbox> {
  const outbox = new Outbox(vaultOver(rows), () => undefined);
  for (const person of people) {
    await outbox.begin(`of ${person}`, 'ru', person);
    await outbox.append(`of ${person}`, new Uint8Array(32_000));
    await outbox.change(`of ${person}`, { state: 'pending' });
  }
  return outbox;
}

/** The uploads while that person is signed in, at a server that makes a text of everything; what was sent, and for whom. */
function sending(outbox: Outbox, now: () => Whose, answers: () => void = () => undefined): { uploads: Uploads; sent: string[] } {
  const sent: string[] = [];
  const api = (whose: Whose): unknown => ({
    as: api,
    json: ({ method, path }: { method: string; path: string }) => {
      try {
        answers();
      } catch (problem) {
        return Promise.reject(problem as Error);
      }
      if (method === 'PUT') sent.push(`${decodeURIComponent(path).replace('/v1/recordings/', '')} for ${whose}`);
      return Promise.resolve({ state: 'done', received_bytes: 32_000, transcript: null });
    },
  });
  const uploads = new Uploads(outbox, api(undefined) as Api, () => ({}) as never, () => undefined, () => true, now);
  void uploads.run();
  return { uploads, sent };
}

describe('what somebody said', () => {
  test('goes into nobody else\'s history, however often they ask for it, and into its own as soon as they are back', async () => {
    const outbox = await outboxOf(ANNA, BORIS);
    let now: Whose = BORIS;
    const { uploads, sent } = sending(outbox, () => now);
    await vi.waitFor(() => expect(outbox.get(`of ${BORIS}`)).toBeUndefined());
    await outbox.retryAll(BORIS);
    await outbox.retry(`of ${ANNA}`, BORIS);
    // Looked at again, and one that may go goes meanwhile.
    await outbox.begin('of nobody', 'ru', null);
    await outbox.append('of nobody', new Uint8Array(32_000));
    await outbox.change('of nobody', { state: 'pending' });
    uploads.hurry();
    await vi.waitFor(() => expect(outbox.get('of nobody')).toBeUndefined());
    expect(sent).toEqual([`of ${BORIS} for ${BORIS}`, `of nobody for ${BORIS}`]);
    expect(outbox.all().map((take) => shown(take, BORIS))).toMatchObject([{ state: 'pending', problem: OTHER_PERSON }]);
    now = ANNA;
    uploads.hurry();
    await vi.waitFor(() => expect(outbox.all()).toEqual([]));
    expect(sent.at(-1)).toBe(`of ${ANNA} for ${ANNA}`);
    uploads.stop();
  });

  test('stays theirs when the server has refused it to somebody else', async () => {
    const outbox = await outboxOf(ANNA);
    await outbox.change(`of ${ANNA}`, { state: 'failed', known: true, problem: { code: 'session.forbidden', message: '' } });
    await outbox.retryAll(BORIS);
    await outbox.retry(`of ${ANNA}`, BORIS);
    // As the session that it is: as a recording it would be in its history twice.
    expect(outbox.get(`of ${ANNA}`)).toMatchObject({ state: 'pending', known: true, person: ANNA });
  });

  test('waits, and has not failed, when somebody else signs in while it is on its way', async () => {
    const outbox = await outboxOf(ANNA);
    let now: Whose = ANNA;
    const { uploads } = sending(outbox, () => now, () => {
      now = BORIS;
      throw OTHER_PERSON;
    });
    await vi.waitFor(() => expect(outbox.get(`of ${ANNA}`)).toMatchObject({ state: 'pending', attempts: 1, problem: null, person: ANNA }));
    uploads.stop();
  });

  test('is of whoever is there first if nobody was signed in', async () => {
    const outbox = await outboxOf(null);
    let now: Whose = BORIS;
    const { uploads } = sending(outbox, () => now, () => {
      now = ANNA;
      throw { code: 'server.unreachable', message: '' };
    });
    await vi.waitFor(() => expect(outbox.get('of null')).toMatchObject({ state: 'pending', attempts: 1, person: BORIS }));
    uploads.stop();
  });

  test('and threw away is asked back from their history alone', async () => {
    const outbox = await outboxOf(ANNA);
    await outbox.change(`of ${ANNA}`, { state: 'cancelled', known: true, endedAt: 1 });
    expect(outbox.owed(BORIS)).toBeUndefined();
    expect(outbox.owed(ANNA)?.take).toBe(`of ${ANNA}`);
  });
});

describe('what an earlier version left', () => {
  test('waits until somebody says that this very recording is theirs', async () => {
    const outbox = await outboxOf(undefined);
    const { uploads, sent } = sending(outbox, () => BORIS);
    await outbox.retryAll(BORIS);
    expect(outbox.all().map((take) => shown(take, BORIS).problem?.code)).toEqual(['outbox.unknown_person']);
    await outbox.retry('of undefined', BORIS, { claims: false });
    uploads.hurry();
    expect(sent).toEqual([]);
    await outbox.retry('of undefined', BORIS);
    uploads.hurry();
    await vi.waitFor(() => expect(outbox.all()).toEqual([]));
    expect(sent).toEqual([`of undefined for ${BORIS}`]);
    uploads.stop();
  });

  test('is of the sign-in it left, but for what was refused to it', async () => {
    const outbox = await outboxOf(undefined);
    await outbox.begin('refused', 'ru', undefined);
    await outbox.change('refused', { state: 'failed', problem: { code: 'session.forbidden', message: '' } });
    await outbox.adopt(ANNA);
    expect([outbox.get('of undefined')?.person, outbox.get('refused')?.person]).toEqual([ANNA, undefined]);
  });
});

test('copies and drafts lie by person; those of before are told from them', () => {
  expect(new Set([placeOf(ANNA, 'draft/note'), placeOf(BORIS, 'draft/note'), placeOf(null, 'draft/note'), placeOf(undefined, 'draft/note')]).size).toBe(4);
  expect([ANNA, null].map((person) => formerKey(placeOf(person, 'draft/note')))).toEqual([null, null]);
  expect(formerKey(placeOf(undefined, 'draft/note'))).toBe('draft/note');
});

/** A server at which people sign in with their name for a password. */
function server(): { refuses: boolean } {
  const state = { refuses: false };
  const tokens = (id: string): Response => Response.json({ access_token: `of ${id}`, expires_in: 900, refresh_token: id, device: 'd', user: { id, login: 'l', name: 'n' } });
  vi.stubGlobal('fetch', (path: string, { body }: { body: string }) => {
    const said = JSON.parse(body) as { login?: string; refresh_token?: string };
    if (path === 'v1/auth/login') return Promise.resolve(tokens(said.login ?? ''));
    if (path === 'v1/auth/refresh' && state.refuses) return Promise.resolve(Response.json({ code: 'auth.expired' }, { status: 401 }));
    if (path === 'v1/auth/refresh') return Promise.resolve(tokens(said.refresh_token ?? ''));
    return Promise.resolve(new Response(null, { status: 204 }));
  });
  return state;
}

async function accountOn(page: Rows): Promise<Account> {
  const account = new Account(vaultOver(page), 'test');
  await account.open();
  return account;
}

describe('who is signed in', () => {
  test('is asked for by name where it matters: another one\'s token is not lent', async () => {
    server();
    const account = await accountOn(rows);
    await account.signIn(BORIS, 'x');
    await expect(account.headers(ANNA)).rejects.toBe(OTHER_PERSON);
    await expect(account.ticket(ANNA)).rejects.toBe(OTHER_PERSON);
    await expect(new Api(account).as(ANNA).json({ method: 'GET', path: '/v1/history' })).rejects.toBe(OTHER_PERSON);
    expect(await account.headers(BORIS)).toEqual({ Authorization: `Bearer of ${BORIS}` });
    expect(await account.headers()).toEqual({ Authorization: `Bearer of ${BORIS}` });
  });

  test('stays who it was when the server ends the sign-in, and is nobody after signing out', async () => {
    const state = server();
    const account = await accountOn(rows);
    await account.signIn(ANNA, 'x');
    account.dropAccess();
    state.refuses = true;
    await expect(account.headers()).rejects.toMatchObject({ code: 'auth.expired' });
    expect([account.signedIn, account.person]).toEqual([false, ANNA]);
    expect((await accountOn(rows)).person).toBe(ANNA);
    await account.signOut();
    expect(account.person).toBe(null);
  });

  test('is not somebody else without a page noticing it', async () => {
    server();
    const [one, other] = [await accountOn(rows), await accountOn(rows)];
    await one.signIn(ANNA, 'x');
    await other.signIn(BORIS, 'x');
    one.dropAccess();
    await expect(one.headers()).rejects.toMatchObject({ code: 'auth.required' });
    expect([one.replaced, one.signedIn, one.person]).toEqual([true, false, ANNA]);
  });

  test('inherits what an earlier version left if that version had signed them in, until they have it', async () => {
    server();
    await vaultOver(rows).putJson('kept', 'account', { device: 'd', refresh: ANNA, user: 'Анна' });
    const account = await accountOn(rows);
    expect([account.person, account.heir]).toEqual([undefined, undefined]);
    await account.headers();
    expect([account.person, account.heir]).toEqual([ANNA, ANNA]);
    expect((await accountOn(rows)).heir).toBe(ANNA);
    await account.adopted();
    expect((await accountOn(rows)).heir).toBe(undefined);
  });

  test('inherits nothing if they signed in themselves', async () => {
    server();
    await vaultOver(rows).putJson('kept', 'account', { device: 'd', refresh: null, user: 'Анна' });
    const account = await accountOn(rows);
    expect(account.person).toBe(null);
    await account.signIn(ANNA, 'x');
    account.dropAccess();
    await account.headers();
    expect(account.heir).toBe(undefined);
  });
});

