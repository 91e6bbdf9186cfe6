/** The text of a session: finals put together by the rules of docs/protocol.md, then the newest partial. */
import type { Final, ServerMessage } from './messages';

type Partial = Extract<ServerMessage, { type: 'partial' }>;

/** Removes code points from the end; surrogate pairs are one. */
function without(text: string, count: number): string {
  return count === 0 ? text : Array.from(text).slice(0, -count).join('');
}

/** What a text becomes with one more final. */
export function withFinal(text: string, final: Pick<Final, 'text' | 'glue' | 'erase'>): string {
  const kept = without(text, final.erase);
  if (!final.text) return kept;
  return (kept ? kept + final.glue : '') + final.text;
}

/** Finals and partials of one session in, the text to show out. Finals sent again after a drop replace the earlier ones. */
export class Composition {
  private readonly finals = new Map<number, Final>();
  private partial: Partial | null = null;

  final(message: Final): void {
    this.finals.set(message.utterance, message);
    if (this.partial && this.partial.utterance <= message.utterance) this.partial = null;
  }

  partialCame(message: Partial): void {
    if (this.finals.has(message.utterance)) return;
    const known = this.partial;
    if (known && (known.utterance > message.utterance || (known.utterance === message.utterance && known.revision > message.revision))) return;
    this.partial = message;
  }

  /** All finals, in the order they were spoken. */
  get text(): string {
    return [...this.finals.values()].toSorted((a, b) => a.utterance - b.utterance).reduce(withFinal, '');
  }

  /** What stays, and what may still change. */
  shown(): { stable: string; tail: string } {
    const text = this.text;
    if (!this.partial) return { stable: text, tail: '' };
    const joint = text && (this.partial.stable || this.partial.tail) ? ' ' : '';
    return { stable: text + joint + this.partial.stable, tail: this.partial.tail };
  }
}
