/** What can be said of this browser without naming a person, a text or a token. */
import type { Finding, Snapshot } from '../backend';
import { microphones } from './microphone';

export async function findings(snapshot: Snapshot): Promise<Finding[]> {
  const room = await navigator.storage?.estimate?.();
  const found = await microphones();
  const worker = await navigator.serviceWorker?.getRegistration();
  const item = (code: string, value: string | number, state: Finding['state'] = 'plain'): Finding => ({ code, state, value: String(value), problem: null });
  // The screen writes sizes as people of its language do.
  const size = (bytes: number | undefined): string => `${bytes ?? 0} B`;
  return [
    item('program', snapshot.version),
    item('browser', navigator.userAgent),
    { ...item('server', snapshot.server.version ?? '', snapshot.server.reachable ? 'good' : 'bad'), problem: snapshot.server.problem },
    item('secure_page', String(isSecureContext), isSecureContext ? 'good' : 'bad'),
    item('microphones', found.length, found.length > 0 ? 'good' : 'warning'),
    item('offline_use', String(Boolean(worker?.active)), worker?.active ? 'good' : 'warning'),
    item('outbox', `${snapshot.outbox.waiting} / ${snapshot.outbox.failed}`, snapshot.outbox.failed > 0 ? 'warning' : 'good'),
    item('storage', `${size(room?.usage)} / ${size(room?.quota)}`),
  ];
}
