import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Api } from '../../src/backend/browser/api';
import { Outbox } from '../../src/backend/browser/outbox';
import { Uploads } from '../../src/backend/browser/uploads';
import { Locks, RANGES, vaultOver, type Rows } from './machine';

const DONE = { state: 'done', received_bytes: 32_000, transcript: null };

let rows: Rows;
beforeEach(() => {
  rows = new Map();
  vi.stubGlobal('IDBKeyRange', RANGES);
  vi.stubGlobal('navigator', { locks: new Locks() });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A page, and what hears of what it does. */
async function page(hears: { others: Outbox[] } = { others: [] }): Promise<Outbox> {
  const outbox = new Outbox(vaultOver(rows), () => undefined, (take) => hears.others.forEach((other) => void other.heard(take)));
  await outbox.open();
  return outbox;
}

/** A take that was said in that page and is left to whichever sends. */
async function said(outbox: Outbox, take: string): Promise<void> {
  await outbox.begin(take, 'ru', null);
  await outbox.append(take, new Uint8Array(32_000));
  await outbox.change(take, { state: 'pending' });
  await outbox.letGo(take);
}

function sending(outbox: Outbox, answer: () => Promise<unknown>): { uploads: Uploads; sent: string[] } {
  const sent: string[] = [];
  const api = {
    as: (): unknown => api,
    json: ({ path }: { path: string }) => {
      sent.push(path.replace('/v1/recordings/', ''));
      return answer();
    },
  };
  const uploads = new Uploads(outbox, api as unknown as Api, () => ({}) as never, () => undefined, () => true, () => null);
  void uploads.run();
  return { uploads, sent };
}

/** The server's answer, in the hands of a test. */
function later(): { answer: () => Promise<unknown>; give: (what: unknown) => void } {
  let give: (what: unknown) => void = () => undefined;
  const coming = new Promise((resolve) => (give = resolve));
  return { answer: () => coming, give: (what) => give(what) };
}

test('what is said in a second page is sent by the first, which is the one that sends', async () => {
  const hears: { others: Outbox[] } = { others: [] };
  const first = await page();
  const { uploads, sent } = sending(first, () => Promise.resolve(DONE));
  const second = await page(hears);
  hears.others.push(first);
  await said(second, 't');
  await vi.waitFor(() => expect(first.get('t')).toMatchObject({ state: 'pending' }));
  uploads.hurry();
  await vi.waitFor(() => expect(rows.get('takes')?.size).toBe(0));
  expect(sent).toEqual(['t']);
  uploads.stop();
});

test('a page that is opened takes nothing from one that is sending, and shows no failure when that has sent it', async () => {
  const { answer, give } = later();
  const hears: { others: Outbox[] } = { others: [] };
  const first = await page(hears);
  await said(first, 't');
  const one = sending(first, answer);
  await vi.waitFor(() => expect(one.sent).toEqual(['t']));
  const second = await page();
  hears.others.push(second);
  expect(second.get('t')).toMatchObject({ state: 'uploading' });
  give(DONE);
  await vi.waitFor(() => expect(second.all()).toEqual([]));
  one.uploads.stop();
});

test('a page that heard nothing of what another has sent looks before it sends it again', async () => {
  const first = await page();
  await said(first, 't');
  const second = await page();
  const one = sending(first, () => Promise.resolve(DONE));
  await vi.waitFor(() => expect(rows.get('takes')?.size).toBe(0));
  expect(second.get('t')).toMatchObject({ state: 'pending' });
  // Its turn to send comes without its having read anything anew.
  vi.spyOn(second, 'open').mockResolvedValue();
  one.uploads.stop();
  const other = sending(second, () => Promise.resolve(DONE));
  await vi.waitFor(() => expect(second.all()).toEqual([]));
  expect(other.sent).toEqual([]);
  other.uploads.stop();
});

test('what one page is sending is neither tried again nor taken away by another that has an old copy of it', async () => {
  vi.useFakeTimers();
  const first = await page();
  await said(first, 't');
  const second = await page();
  const { uploads, sent } = sending(first, later().answer);
  await vi.waitFor(() => expect(sent).toEqual(['t']));
  const told = Promise.all([second.retryAll(null), second.change('t', { removedAt: 1 }), second.forget('t'), second.tidy(30)]);
  await vi.advanceTimersByTimeAsync(5_000);
  await told;
  expect([...(rows.get('takes')?.values() ?? [])]).toMatchObject([{ state: 'uploading', attempts: 1, removedAt: null }]);
  uploads.stop();
});

test('what one page is recording is left to it; what a page was recording or sending when it died waits', async () => {
  const first = await page();
  await first.begin('spoken', 'ru', null);
  await first.append('spoken', new Uint8Array(32_000));
  // Whoever wrote these has no lock any more.
  for (const [take, state] of [['lost', 'recording'], ['half', 'uploading']] as const) await vaultOver(rows).putJson('takes', take, { ...first.get('spoken'), take, state });
  const second = await page();
  expect(['spoken', 'lost', 'half'].map((take) => [second.get(take)?.state, second.get(take)?.recovered])).toEqual([['recording', false], ['pending', true], ['pending', false]]);
});

test('what the disk has not all of is left to no other page until it has', async () => {
  const vault = vaultOver(rows);
  const first = new Outbox(vault, () => undefined);
  await first.begin('t', 'ru', null);
  const full = vi.spyOn(vault, 'put').mockRejectedValue(new DOMException('full', 'QuotaExceededError'));
  await first.append('t', new Uint8Array(32_000)).catch(() => undefined);
  await first.change('t', { state: 'pending' });
  await first.letGo('t');
  const second = await page();
  expect(await second.holding('t', () => Promise.resolve(true))).toBeUndefined();
  full.mockRestore();
  await first.tidy(30);
  expect(await second.holding('t', () => Promise.resolve(true))).toBe(true);
  expect((await second.audioFrom('t', 0)).byteLength).toBe(32_000);
});
