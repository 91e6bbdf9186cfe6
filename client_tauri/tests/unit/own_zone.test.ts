import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Backend, Call, Snapshot } from '../../src/backend/backend';
import { setLanguage } from '../../src/messages/messages.svelte';
import ru from '../../src/messages/ru.json';
import { OwnZone } from '../../src/state/own_zone';
import { otherZones, zoneName } from '../../src/state/zone';

const usual = Intl.DateTimeFormat('en').resolvedOptions();

const machineIn = (timeZone: string): unknown => vi.spyOn(Intl.DateTimeFormat.prototype, 'resolvedOptions').mockReturnValue({ ...usual, timeZone });

beforeEach(() => void machineIn('Asia/Vladivostok'));
afterEach(() => {
  vi.restoreAllMocks();
  setLanguage('ru');
});

const at = (server: Partial<Snapshot['server']>): Snapshot => ({ server: { address: 'https://a', user: 'Анна', reachable: true, signedIn: true, ...server } }) as Snapshot;

/** A server of which each call is kept; `told` answers the question for preferences. */
function machine(told: () => unknown): { zone: OwnZone; calls: Call[] } {
  const calls: Call[] = [];
  const request = async (call: Call): Promise<unknown> => {
    calls.push(call);
    return call.method === 'GET' ? told() : {};
  };
  return { zone: new OwnZone({ request } as Partial<Backend> as Backend), calls };
}
const written = (calls: Call[]): Call[] => calls.filter(({ method }) => method === 'PATCH');

describe('the zone of this machine', () => {
  test('is told once of a person who never chose one, and only if nobody else wrote meanwhile', async () => {
    const { zone, calls } = machine(() => ({ change: 7, said: ['style'], values: { time_zone: 'Europe/Moscow' } }));
    await zone.see(at({}));
    await zone.see(at({ version: '2' }));
    expect(written(calls)).toEqual([{ method: 'PATCH', path: '/v1/preferences', query: { if_change: 7 }, body: { time_zone: 'Asia/Vladivostok' } }]);
    expect(calls).toHaveLength(2);
  });

  test.each([
    ['somebody who chose Moscow', { change: 7, said: ['time_zone'], values: { time_zone: 'Europe/Moscow' } }],
    ['somebody at an older server, which does not say what was chosen', { change: 7, values: { time_zone: 'Europe/Moscow' } }],
  ])('is not told of %s', async (_, told) => {
    const { zone, calls } = machine(() => told);
    await zone.see(at({}));
    expect(written(calls)).toEqual([]);
  });

  test.each(['UTC', 'Etc/UTC', 'Etc/GMT-3', 'GMT'])('says nothing of a person where the machine calls it %s', async (zone) => {
    machineIn(zone);
    const { zone: own, calls } = machine(() => ({ change: 0, said: [] }));
    await own.see(at({}));
    expect(calls).toEqual([]);
  });

  test.each([['nobody has signed in', { signedIn: false }], ['the server is away', { reachable: false }]])('waits while %s', async (_, server) => {
    const { zone, calls } = machine(() => ({ change: 0, said: [] }));
    await zone.see(at(server));
    expect(calls).toEqual([]);
    await zone.see(at({}));
    expect(written(calls)).toHaveLength(1);
  });

  test('is asked for again for the next person, at another server, and when the server was away', async () => {
    const { zone, calls } = machine(() => ({ change: 0, said: ['time_zone'] }));
    for (const server of [{}, { user: 'Борис' }, { address: 'https://b' }, { address: 'https://b', reachable: false }, { address: 'https://b' }]) await zone.see(at(server));
    expect(calls).toHaveLength(4);
  });

  test('goes to nobody who signed in while the server was asked about somebody else', async () => {
    const { zone, calls } = machine(() => {
      void zone.see(at({ signedIn: false }));
      return { change: 0, said: [] };
    });
    await zone.see(at({}));
    expect(written(calls)).toEqual([]);
  });

  test('is nothing to complain about where the server refuses', async () => {
    const { zone } = machine(() => Promise.reject({ code: 'server.unreachable', message: '' }));
    await expect(zone.see(at({}))).resolves.toBeUndefined();
  });
});

describe('zones to choose from', () => {
  test('have the names of towns where people here live, and their own elsewhere', () => {
    expect(['Asia/Vladivostok', 'America/New_York', 'Nowhere/Else'].map(zoneName)).toEqual(['Владивосток', 'America/New York', 'Nowhere/Else']);
    setLanguage('en');
    expect(zoneName('Asia/Sakhalin')).toBe('Yuzhno-Sakhalinsk');
  });

  test('that have a name of ours are zones', () => {
    const named = Object.keys(ru).filter((key) => key.startsWith('zone.'));
    const known = Intl.supportedValuesOf('timeZone');
    expect(named.map((key) => key.slice(5)).filter((zone) => !known.includes(zone))).toEqual([]);
  });

  test('are in the order of their names, without that of this machine, and with the one chosen however old its name', () => {
    const zones = otherZones('Europe/Kyiv');
    const names = zones.map(([, name]) => name);
    expect(zones.map(([zone]) => zone)).toEqual(expect.arrayContaining(['Europe/Moscow', 'UTC', 'Europe/Kyiv']));
    expect(zones.map(([zone]) => zone)).not.toContain('Asia/Vladivostok');
    expect(new Set(zones.map(([zone]) => zone)).size).toBe(zones.length);
    expect(names).toEqual(names.toSorted((one, other) => one.localeCompare(other, 'ru')));
    expect(names.indexOf('Москва')).toBeLessThan(names.indexOf('Омск'));
  });
});
