/** Hears from the server that something changed, and says which screens have to look again. */
import type { Changed } from '../backend';
import type { Api } from './api';

const OPENING_MS = 16 * 60_000;
const PAUSE_MS = 5_000;

interface Change {
  thing: 'transcript' | 'item' | 'recording';
  item?: { kind: 'note' | 'snippet' | 'term' | 'preferences' } | null;
}

const OF_ITEM: Record<string, Changed> = { note: 'notes', snippet: 'snippets', term: 'dictionary', preferences: 'preferences' };
/** A thing that is gone does not say what it was. */
const ALL: Changed[] = ['history', 'notes', 'snippets', 'dictionary', 'preferences'];

/** Which screens a page of changes concerns. */
export function concerned(changes: Change[]): Set<Changed> {
  const what = new Set<Changed>();
  for (const { thing, item } of changes) {
    if (thing !== 'item') what.add('history');
    else if (item) what.add(OF_ITEM[item.kind] ?? 'preferences');
    else ALL.forEach((one) => what.add(one));
  }
  return what;
}

/** Listens until the signal says stop; opens the stream again whenever it ends. */
export async function hearChanges(api: Api, stop: AbortSignal, mayGo: () => boolean, changed: (what: Changed) => void): Promise<void> {
  let cursor: string | null = null;
  while (!stop.aborted) {
    if (mayGo()) {
      try {
        const answer = await api.send({ method: 'GET', path: '/v1/sync/events' }, { signal: AbortSignal.any([stop, AbortSignal.timeout(OPENING_MS)]) });
        const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
        for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
          if (!value?.includes('event: changed')) continue;
          // Where nothing is known yet, everything before now is nothing new.
          const first = cursor === null;
          cursor = await pull(api, cursor, first ? () => undefined : changed);
        }
      } catch {
        // Not reachable or signed out: tried again below.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function pull(api: Api, from: string | null, changed: (what: Changed) => void): Promise<string | null> {
  let cursor = from;
  for (let more = true; more; ) {
    const page = (await api.json({ method: 'GET', path: '/v1/sync', query: { cursor: cursor ?? undefined, limit: 200 } })) as {
      changes: Change[];
      next: string;
      more: boolean;
    };
    concerned(page.changes).forEach(changed);
    cursor = page.next;
    more = page.more;
  }
  return cursor;
}
