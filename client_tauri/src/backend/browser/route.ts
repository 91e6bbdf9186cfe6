/** Where what is said goes. */
import type { Route, ServerState, Snapshot } from '../backend';

export function routeTo(server: ServerState, pinned: Route | null): Snapshot['route'] {
  if (pinned === 'outbox') return { active: 'outbox', pinned, reason: 'pinned' };
  if (!server.reachable) return { active: 'outbox', pinned, reason: 'server_unreachable' };
  if (!server.signedIn) return { active: 'outbox', pinned, reason: 'signed_out' };
  return { active: 'team', pinned, reason: pinned ? 'pinned' : 'preferred' };
}
