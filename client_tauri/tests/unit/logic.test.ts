import { describe, expect, test, vi } from 'vitest';

import { concerned } from '../../src/backend/browser/changes';
import { modelsOf } from '../../src/backend/browser/models';
import { patched } from '../../src/backend/browser/settings';
import { pauseMs } from '../../src/backend/browser/uploads';
import { canBeHeard, type Settings } from '../../src/backend/backend';
import { calendar, niceTop } from '../../src/state/bars';
import { chordOf, chordText } from '../../src/state/chords';
import { lastWord, listed, marked, preview } from '../../src/state/words';
import { dayIn, ownZone } from '../../src/state/zone';
import { uuid7 } from '../../src/uuid';

test('ids sort by time and are version 7', () => {
  const ids = [1, 2, 3].map((day) => uuid7(Date.UTC(2026, 10, day)));
  expect(ids.toSorted()).toEqual(ids);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the models of a server come with the size it tells, without the names of OpenAI', () =>
  expect(modelsOf({ data: [{ id: 'base', size_bytes: 150 }, { id: 'scripted' }, { id: 'whisper-1' }] }).models.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([['base', 150], ['scripted', 0]]));

test.each([['Europe/Moscow', '2026-11-23'], ['UTC', '2026-11-22'], ['Asia/Tokyo', '2026-11-23'], [undefined, '2026-11-22']])('a file is named by the day there was in %s', (zone, day) => expect(dayIn('2026-11-22T22:30:00Z', zone)).toBe(day));

test.each([['Asia/Tokyo', 'Asia/Tokyo'], ['Etc/Unknown', undefined], ['', undefined], [undefined, undefined], ['+03:00', undefined]])('of a machine that calls its zone %s the server is told %s', (zone, told) => {
  const options = { ...new Intl.DateTimeFormat('en').resolvedOptions(), timeZone: zone as string };
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'resolvedOptions').mockReturnValue(options);
  expect(ownZone()).toBe(told);
  asked.mockRestore();
});

describe('words', () => {
  test.each([['Поговорим о кубернетес.', 'кубернетес'], ['Как-то так, кое-кто!', 'кое-кто'], ['Один', 'Один'], ['Пишем на C++!', 'C++'], ['Это Node.js…', 'Node.js'], ['…', '']])('the last word of «%s» is «%s»', (text, word) => expect(lastWord(text)).toBe(word));
  test('a list with commas has no empty and no double parts', () => expect(listed(' а, б,,а ')).toEqual(['а', 'б']));
  test('highlights count code points, so smileys before them do no harm', () =>
    expect(marked('😀 встреча завтра', [[2, 9]])).toEqual([{ text: '😀 ', hit: false }, { text: 'встреча', hit: true }, { text: ' завтра', hit: false }]));
  test('places beyond the text are left out', () => expect(marked('да', [[0, 9]])).toEqual([{ text: 'да', hit: false }]));
  test('a snippet is shown with its variables, and what is none stays', () =>
    expect(preview('{date}, {name} {cursor}{else}', { date: '22 ноября', time: '', name: 'Анна', clipboard: '' })).toBe('22 ноября, Анна ▏{else}'));
});

test.each([
  ['pending', 'kept', true],
  ['stored', 'kept', true],
  ['stored', 'forgotten', false],
  ['recording', 'kept', false],
] as const)('a take that is %s and whose audio is %s can be heard: %s', (state, audio, heard) => expect(canBeHeard({ state, audio })).toBe(heard));

describe('the chart', () => {
  test('days of which nothing was told are there without words', () =>
    expect(calendar([{ day: '2026-03-01', words: 7 }], '2026-03-02', 3)).toEqual([{ day: '2026-02-28', words: 0 }, { day: '2026-03-01', words: 7 }, { day: '2026-03-02', words: 0 }]));
  test.each([[0, 10], [10, 10], [11, 20], [499, 500], [501, 1000]])('%i words fit below %i', (most, top) => expect(niceTop(most)).toBe(top));
});

test('chords are named in the order of the keyboard', () => {
  expect(chordText({ modifiers: ['super', 'control'], key: null })).toBe('Ctrl + Win');
  expect(chordText({ modifiers: ['shift', 'alt'], key: 'KeyD' })).toBe('Alt + Shift + D');
});

test('a chord is whole when another key than a modifier goes down', () => {
  const held = { ctrlKey: true, altKey: false, shiftKey: false, metaKey: true };
  expect(chordOf({ ...held, code: 'ControlLeft' })).toBeNull();
  expect(chordOf({ ...held, code: 'Space' })).toEqual({ modifiers: ['control', 'super'], key: 'Space' });
});

test('a patch changes fields, not sections, and nothing unknown gets in', () => {
  const settings = { hotkeys: null, audio: { microphone: null, sounds: true } } as unknown as Settings;
  const made = patched(settings, { audio: { microphone: 'usb' }, moon: { full: true } } as never);
  expect(made).toEqual({ hotkeys: null, audio: { microphone: 'usb', sounds: true } });
  expect(settings.audio.microphone).toBeNull();
});

test('pauses between attempts grow, are random and end at five minutes', () => {
  expect(pauseMs(0, 0)).toBe(500);
  expect(pauseMs(3, 1)).toBe(8000);
  expect(pauseMs(1000, 1)).toBe(300_000);
});

test('a change says which screens it concerns; of a thing that is gone, all', () => {
  expect([...concerned([{ thing: 'transcript' }, { thing: 'item', item: { kind: 'term' } }])]).toEqual(['history', 'dictionary']);
  expect(concerned([{ thing: 'item', item: null }]).size).toBe(5);
});
