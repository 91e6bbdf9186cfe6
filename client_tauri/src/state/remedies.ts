/** What can be done about a problem that does not say it itself: notices come with a code alone. */
import type { Problem, ProblemAction } from '../backend/backend';

const BY_CODE: Record<string, ProblemAction | null> = {
  'server.changed_certificate': 'choose_server',
  'server.unknown_certificate': 'choose_server',
  'server.no_tls': 'choose_server',
  'server.insecure': 'choose_server',
  'server.not_ours': 'choose_server',
  'server.address': 'choose_server',
  'server.other_version': 'update',
  'client.no_server': 'choose_server',
  'client.disk_full': 'free_space',
  'auth.expired': 'sign_in',
  'auth.required': 'sign_in',
  'auth.token_expired': 'sign_in',
  'auth.not_kept': 'open_diagnostics',
  'microphone.refused': 'allow_microphone',
  'microphone.overrun': null,
  'insertion.busy': null,
  'insertion.asking': null,
  'insertion.copied': null,
  'insertion.no_clipboard': null,
  'insertion.denied': 'open_insertion',
  'outbox.passphrase_needed': 'unlock_outbox',
  'outbox.passphrase_unset': 'unlock_outbox',
  'outbox.wrong_passphrase': 'unlock_outbox',
  'outbox.locked': 'unlock_outbox',
  'outbox.disk_full': 'free_space',
  'outbox.no_room': 'free_space',
  'outbox.full_disk': 'free_space',
  'outbox.too_new': 'update',
  'outbox.no_storage': null,
  'outbox.closed': null,
  'dictation.kept_for_later': 'open_outbox',
  'sidecar.absent': 'choose_server',
  'program.broken': 'open_diagnostics',
  'client.failed': 'open_diagnostics',
  'model.not_installed': 'open_server',
  'model.not_usable': 'install_model',
};
const BY_FAMILY: Record<string, ProblemAction> = {
  microphone: 'choose_microphone',
  hotkey: 'change_hotkey',
  insertion: 'copy_last',
  outbox: 'open_outbox',
  sidecar: 'open_server',
  keychain: 'open_diagnostics',
};

/** The action that comes with the problem, or the one its code stands for. */
export function remedyOf({ code, action }: Pick<Problem, 'code' | 'action'>): ProblemAction | undefined {
  if (action) return action;
  const own = BY_CODE[code];
  return own === undefined ? BY_FAMILY[code.split('.')[0]!] : (own ?? undefined);
}
