/**
 * Tells a server the zone of this machine for a person of whom it knows none, so that dates in their texts are theirs.
 * What they have chosen once, here or elsewhere, stays.
 */
import type { Backend, Snapshot } from '../backend/backend';
import type { Preferences } from './things';
import { ownZone } from './zone';

const PATH = '/v1/preferences';
/** Of machines that nobody set, and of browsers that hide where they are: nobody lives there. */
const OF_NO_PLACE = /^(Etc\/|UTC$|GMT$)/;

export class OwnZone {
  private seen: string | null = null;

  constructor(private readonly backend: Backend) {}

  /** To be told of each snapshot. Asks once for each person at each server, and again when the server was away. */
  async see({ server }: Snapshot): Promise<void> {
    const whose = server.reachable && server.signedIn ? JSON.stringify([server.address, server.user]) : null;
    if (whose === this.seen) return;
    this.seen = whose;
    const zone = ownZone();
    if (whose === null || zone === undefined || OF_NO_PLACE.test(zone)) return;
    try {
      const { change, said } = (await this.backend.request({ method: 'GET', path: PATH })) as { change: number; said?: string[] };
      // An older server does not say what was chosen: nothing may be written over.
      if (this.seen !== whose || !said || said.includes('time_zone')) return;
      await this.backend.request({ method: 'PATCH', path: PATH, query: { if_change: change }, body: { time_zone: zone } satisfies Preferences });
    } catch {
      // The server went away, or another client was quicker: nobody asked for this, so nobody is told.
    }
  }
}
