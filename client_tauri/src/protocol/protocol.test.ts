import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { Composition, withFinal } from './composition';
import { readMessage, type Final } from './messages';

interface Vector {
  name: string;
  text: string;
  reads_as?: object;
}
const vectors = JSON.parse(readFileSync(new URL('../../../tests/vectors/stream_v1.json', import.meta.url), 'utf8')) as {
  client: { valid: Vector[] };
  server: { valid: Vector[]; invalid: Vector[] };
};

describe('golden messages', () => {
  test.each(vectors.server.valid)('$name is read', ({ text, reads_as }) => {
    const meant = (reads_as ?? JSON.parse(text)) as Record<string, unknown>;
    // The screens have no use for the times of words.
    delete meant['words'];
    expect(readMessage(text)).toEqual(meant);
  });

  test.each(vectors.server.invalid)('$name is not taken for a message', ({ text }) => {
    expect(readMessage(text)).toBeNull();
  });
});

const final = (utterance: number, text: string, more: Partial<Final> = {}): Final => ({
  type: 'final', utterance, start: 0, end: 1, text, raw: text, language: 'ru', glue: ' ', erase: 0, places: [], ...more,
});

describe('the text of a session', () => {
  test('the very first final has no glue before it', () => expect(withFinal('', final(0, 'Так.'))).toBe('Так.'));
  test('a comma after a pause is put without a blank', () => expect(withFinal('Так', final(1, ', вот', { glue: '' }))).toBe('Так, вот'));
  test('erasing counts people’s letters, not UTF-16 units', () => expect(withFinal('да 😀😀', final(1, '', { erase: 2 }))).toBe('да '));

  test('a final replaces its partial, and late partials do not bring it back', () => {
    const text = new Composition();
    text.partialCame({ type: 'partial', utterance: 0, revision: 1, start: 0, stable: 'Доб', tail: 'рый' });
    expect(text.shown()).toEqual({ stable: 'Доб', tail: 'рый' });
    text.final(final(0, 'Добрый день.'));
    text.partialCame({ type: 'partial', utterance: 0, revision: 9, start: 0, stable: 'Добрый', tail: '' });
    expect(text.shown()).toEqual({ stable: 'Добрый день.', tail: '' });
  });

  test('finals sent again after a drop count once', () => {
    const text = new Composition();
    for (const one of [final(0, 'Раз.'), final(1, 'Два.'), final(0, 'Раз.'), final(1, 'Два!')]) text.final(one);
    expect(text.text).toBe('Раз. Два!');
  });
});
