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
