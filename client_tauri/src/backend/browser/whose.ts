/**
 * Whose things are: what one person said, copied or typed goes into nobody else's history, whoever signs in here next. A person
 * is the id of their account; null is nobody, as where nobody signs in, and what is nobody's is of whoever is there first.
 */
import type { Problem } from '../backend';

/** Absent: it is not known. */
export type Whose = string | null | undefined;

export const OTHER_PERSON: Problem = { code: 'outbox.other_person', message: 'it waits for the person who said it' };
/** Takes did not always say whose they are. */
export const UNKNOWN_PERSON: Problem = { code: 'outbox.unknown_person', message: 'it waits for somebody to say that it is theirs' };

/** What a take of that person waits for while `now` is signed in; null if it may go into their history. */
export function waitsFor(person: Whose, now: Whose): Problem | null {
  if (person === undefined) return UNKNOWN_PERSON;
  return person === null || person === now ? null : OTHER_PERSON;
}

/** Where copies and drafts of a person lie. Of somebody of whom only the sign-in is known yet: where all lay before. */
export function placeOf(person: Whose, key: string): string {
  return person === undefined ? `cache/${key}` : `cache/${person ?? ''}/${key}`;
}

/** The key of a copy from before copies said whose they are; null of all others. */
export function formerKey(place: string): string | null {
  return /^cache\/([0-9a-f-]{36})?\//.test(place) ? null : (/^cache\/(.*)$/.exec(place)?.[1] ?? null);
}
