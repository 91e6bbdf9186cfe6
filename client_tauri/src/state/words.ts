/** Letters of a word that is worth a place in a dictionary. */
const LONGEST_WORD = 100;

/** The last word of a text, without marks around it, as the desktop finds it: `C++`, `Node.js`, `Санкт-Петербург` are words. */
export function lastWord(text: string): string {
  const words = text.split(/[\s—–…/]+/u).map((part) => part.replace(/^[^\p{L}\p{N}]+/u, '').replace(/[^\p{L}\p{N}+#]+$/u, ''));
  const last = words.findLast(Boolean) ?? '';
  return last.length <= LONGEST_WORD ? last : '';
}

/** What somebody wrote with commas, as a list. */
export function listed(text: string): string[] {
  return [...new Set(text.split(',').map((part) => part.trim()).filter(Boolean))];
}

/** A snippet's text with its variables as they would be now; the cursor is shown as a bar. */
export function preview(text: string, values: { date: string; time: string; name: string; clipboard: string }): string {
  return text.replace(/\{(date|time|name|clipboard|cursor)\}/g, (_, name: string) => (name === 'cursor' ? '▏' : (values[name as 'date'] ?? '')));
}

/** Text in parts, marked where a search matched; places count code points. */
export function marked(text: string, places: [number, number][]): { text: string; hit: boolean }[] {
  const letters = Array.from(text);
  const parts: { text: string; hit: boolean }[] = [];
  let at = 0;
  for (const [from, to] of places.toSorted(([a], [b]) => a - b)) {
    if (from < at || to > letters.length) continue;
    if (from > at) parts.push({ text: letters.slice(at, from).join(''), hit: false });
    parts.push({ text: letters.slice(from, to).join(''), hit: true });
    at = to;
  }
  if (at < letters.length) parts.push({ text: letters.slice(at).join(''), hit: false });
  return parts;
}
