/** Time zones: that of this machine, and those there are, by names that people know. */

import { isKey, language, t } from '../messages/messages.svelte';

/** The time zone of the person, as this machine has it; none where it has no name that a server could know. */
export function ownZone(): string | undefined {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions() as { timeZone?: string };
  return timeZone !== undefined && timeZone !== 'Etc/Unknown' && /^[a-z]/i.test(timeZone) ? timeZone : undefined;
}

/** The day of a moment there, as files are named by: 2026-11-23. */
export function dayIn(at: string, timeZone = 'UTC'): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(new Date(at));
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')}`;
}

/** What people call a zone: «Владивосток». Browsers leave the names of towns out of what they know of languages, so those that matter here are in the catalogues; others have their own, “America/New York”. */
export function zoneName(zone: string): string {
  const key = `zone.${zone}`;
  return isKey(key) ? t(key) : zone.replaceAll('_', ' ');
}

/** All zones but this machine's, by name; the one `chosen` is among them even if only the server knows it. */
export function otherZones(chosen: string | undefined): [string, string][] {
  const own = ownZone();
  const known = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC', ...(chosen === undefined ? [] : [chosen])]);
  const zones = [...known].filter((zone) => zone !== own).map((zone): [string, string] => [zone, zoneName(zone)]);
  return zones.sort(([, one], [, other]) => one.localeCompare(other, language()));
}
