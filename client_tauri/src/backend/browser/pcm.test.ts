import { describe, expect, test } from 'vitest';

import { RATE, Resampler, levelOf, pcm16, wav } from './pcm';

const sine = (rate: number, hertz: number, seconds: number): Float32Array =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, index) => 0.5 * Math.sin((2 * Math.PI * hertz * index) / rate));

function resampled(rate: number, sound: Float32Array, piece: number): Float32Array {
  const resampler = new Resampler(rate);
  const made: number[] = [];
  for (let at = 0; at < sound.length; at += piece) made.push(...resampler.push(sound.subarray(at, at + piece)));
  made.push(...resampler.flush());
  return Float32Array.from(made);
}

describe('resampling to 16 kHz', () => {
  test.each([44_100, 48_000, 96_000, 8_000])('keeps speech at %i Hz as loud and as long as it was', (rate) => {
    const made = resampled(rate, sine(rate, 440, 1), 128);
    expect(Math.abs(made.length - RATE)).toBeLessThan(RATE * 0.005);
    expect(levelOf(made.subarray(1000, 15_000)).rms).toBeCloseTo(0.5 / Math.SQRT2, 2);
  });

  test('leaves nothing of what 16 kHz cannot carry', () => {
    expect(levelOf(resampled(48_000, sine(48_000, 11_000, 0.5), 128)).rms).toBeLessThan(0.002);
  });

  test('gives the same in pieces of any size', () => {
    const sound = sine(48_000, 700, 0.3);
    expect(resampled(48_000, sound, 128)).toEqual(resampled(48_000, sound, 1000));
  });
});

test('samples beyond the range are cut, not wrapped around', () => {
  expect([...new Int16Array(pcm16(Float32Array.from([0, 2, -2, 0.5])).buffer)]).toEqual([0, 32767, -32767, 16384]);
});

test('a WAV file says how long it is', async () => {
  const file = new DataView(await wav([new Uint8Array(320), new Uint8Array(180)]).arrayBuffer());
  expect(file.byteLength).toBe(544);
  expect(file.getUint32(40, true)).toBe(500);
  expect(file.getUint32(24, true)).toBe(RATE);
});
