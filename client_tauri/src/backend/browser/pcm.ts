/** Sound as numbers: resampling to 16 kHz, PCM16, WAV, levels. Pure. */

export const RATE = 16_000;

/** Half the width of the low-pass filter, in samples of the lower rate: -60 dB well above 8 kHz at 16 kHz out. */
const HALF_WIDTH = 16;
/** Steps between two input samples for which the filter is tabulated. */
const PHASES = 64;

/**
 * A streaming windowed-sinc resampler (J. O. Smith, “Digital Audio Resampling”, CCRMA): mono, -1…1, any rate down or up
 * to 16 kHz. What comes out of pieces is what comes out of the whole.
 */
export class Resampler {
  private readonly step: number;
  private readonly reach: number;
  private readonly table: Float32Array;
  private kept: Float32Array;
  /** Where the next output sample lies, counted from the first sample kept. */
  private at: number;

  constructor(private readonly rate: number) {
    this.step = rate / RATE;
    const cutoff = Math.min(1, RATE / rate) * 0.94;
    this.reach = Math.ceil(HALF_WIDTH * Math.max(1, this.step));
    this.table = new Float32Array((this.reach + 1) * PHASES + 1);
    for (let index = 0; index < this.table.length; index += 1) {
      const distance = index / PHASES;
      const sinc = distance === 0 ? cutoff : Math.sin(Math.PI * cutoff * distance) / (Math.PI * distance);
      const place = Math.min(1, distance / this.reach);
      this.table[index] = sinc * (0.42 + 0.5 * Math.cos(Math.PI * place) + 0.08 * Math.cos(2 * Math.PI * place));
    }
    this.kept = new Float32Array(this.reach);
    this.at = this.reach;
  }

  /** Takes sound at the rate given, gives what is ready at 16 kHz. */
  push(input: Float32Array): Float32Array {
    if (this.rate === RATE) return input;
    const all = new Float32Array(this.kept.length + input.length);
    all.set(this.kept);
    all.set(input, this.kept.length);
    const made: number[] = [];
    for (; this.at + this.reach < all.length; this.at += this.step) made.push(this.sample(all, this.at));
    const done = Math.max(0, Math.floor(this.at) - this.reach);
    this.kept = all.slice(done);
    this.at -= done;
    return Float32Array.from(made);
  }

  /** The end of what was pushed: silence follows. */
  flush(): Float32Array {
    return this.push(new Float32Array(this.reach + 1));
  }

  private sample(all: Float32Array, at: number): number {
    const middle = Math.floor(at);
    let sum = 0;
    for (let index = middle - this.reach + 1; index <= middle + this.reach; index += 1) {
      const place = Math.abs(at - index) * PHASES;
      const below = Math.floor(place);
      const low = this.table[below] ?? 0;
      sum += (all[index] ?? 0) * (low + ((this.table[below + 1] ?? 0) - low) * (place - below));
    }
    return sum;
  }
}

/** Little-endian 16-bit samples of sound in -1…1. */
export function pcm16(sound: Float32Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(sound.length * 2));
  sound.forEach((value, index) => view.setInt16(index * 2, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true));
  return new Uint8Array(view.buffer);
}

/** Root mean square and peak of sound, 0…1. */
export function levelOf(sound: Float32Array): { rms: number; peak: number } {
  let sum = 0;
  let peak = 0;
  for (const value of sound) {
    sum += value * value;
    peak = Math.max(peak, Math.abs(value));
  }
  return { rms: Math.sqrt(sum / Math.max(1, sound.length)), peak: Math.min(1, peak) };
}

/** A WAV file (RIFF, PCM, mono, 16 kHz) of PCM16 pieces. */
export function wav(pieces: Uint8Array<ArrayBuffer>[]): Blob {
  const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const write = (at: number, text: string): void => [...text].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
  write(0, 'RIFF');
  head.setUint32(4, 36 + length, true);
  write(8, 'WAVEfmt ');
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, RATE, true);
  head.setUint32(28, RATE * 2, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  write(36, 'data');
  head.setUint32(40, length, true);
  return new Blob([head.buffer, ...pieces], { type: 'audio/wav' });
}
