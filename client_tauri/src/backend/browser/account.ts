/**
 * Who is signed in. The access token is only in memory; the refresh token is sealed in the vault, and one page at a time
 * uses it, because it works once.
 */
import type { Problem } from '../backend';
import { OTHER_PERSON, type Whose } from './whose';
import type { Vault } from './vault';

const KEPT = 'account';
const LOCK = 'alfavoice-refresh';
/** Seconds before its end that an access token counts as over. */
const EARLY_S = 30;

interface Kept {
  device: string;
  refresh: string | null;
  user: string | null;
  /** Their account's id, also of somebody whose sign-in has ended by itself; absent in what an earlier version wrote. */
  person?: string | null;
  /** An earlier version left this sign-in: what it left besides is theirs. */
  adopts?: boolean;
}

interface Access {
  token: string;
  until: number;
  person: string;
}

interface SignedIn {
  access_token: string;
  expires_in: number;
  refresh_token: string;
  device: string;
  user: { id: string; login: string | null; name: string };
}

/** Makes a problem of an answer that is one. */
export async function problemOf(answer: Response): Promise<Problem> {
  const told = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  const wait = Number(answer.headers.get('retry-after'));
  return {
    code: told.code ?? 'server.failed',
    message: told.detail ?? `the server answered ${answer.status}`,
    ...(wait > 0 ? { retryAfterS: wait } : {}),
  };
}

export const UNREACHABLE: Problem = { code: 'server.unreachable', message: 'the server cannot be reached', action: 'retry' };
const SIGN_IN: Problem = { code: 'auth.required', message: 'sign in', action: 'sign_in' };

/** `fetch` whose failures are problems; gives up after a while. */
export async function reach(path: string, options: RequestInit = {}, patienceMs = 30_000): Promise<Response> {
  try {
    return await fetch(path, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(patienceMs), ...options });
  } catch {
    throw UNREACHABLE;
  }
}

export class Account {
  private access: Access | null = null;
  private kept: Kept | null = null;
  loginRequired = true;
  /** Somebody else has signed in on another page: this one has to begin anew, as theirs. */
  replaced = false;

  constructor(
    private readonly vault: Vault,
    private readonly client: string,
  ) {}

  /** Reads what is kept and asks the server whether people sign in there; true if it answered. */
  async open(): Promise<void> {
    this.kept = ((await this.vault.getJson('kept', KEPT)) as Kept | undefined) ?? null;
    const known = await this.vault.getJson('kept', 'login-required');
    if (typeof known === 'boolean') this.loginRequired = known;
  }

  /** Another page may be used by somebody else by now: what this one shows is not theirs. */
  async reread(): Promise<void> {
    const found = ((await this.vault.getJson('kept', KEPT)) as Kept | undefined) ?? null;
    const isOther = found?.person !== this.kept?.person;
    this.replaced ||= Boolean(isOther && this.kept?.person && found?.person);
    if (isOther) this.access = null;
    if (!this.replaced) this.kept = found;
  }

  async askWhetherLogin(): Promise<{ hasAdmin: boolean }> {
    const answer = await reach('v1/auth/setup', {}, 8_000);
    if (!answer.ok) throw await problemOf(answer);
    const told = (await answer.json()) as { login_required: boolean; has_admin: boolean };
    if (told.login_required !== this.loginRequired) await this.vault.putJson('kept', 'login-required', told.login_required);
    this.loginRequired = told.login_required;
    return { hasAdmin: told.has_admin };
  }

  get signedIn(): boolean {
    return !this.loginRequired || (Boolean(this.kept?.refresh) && !this.replaced);
  }

  get user(): string | null {
    return this.loginRequired ? (this.kept?.user ?? null) : null;
  }

  /** Whose history everything goes to here: who is signed in, or was until the server ended that. Absent: only the server knows. */
  get person(): Whose {
    if (!this.loginRequired || !this.kept) return null;
    return this.kept.person === undefined && !this.kept.refresh ? null : this.kept.person;
  }

  /** Whose what an earlier version left without a name is, if that is certain. */
  get heir(): Whose {
    if (!this.loginRequired && !this.kept) return null;
    return this.kept?.adopts ? this.kept.person : undefined;
  }

  /** The heir has it all. */
  async adopted(): Promise<void> {
    if (!this.kept?.adopts) return;
    this.kept = { ...this.kept, adopts: false };
    await this.vault.putJson('kept', KEPT, this.kept);
  }

  async signIn(login: string, password: string): Promise<void> {
    const device = { id: this.kept?.device ?? null, name: deviceName(), platform: 'browser', client: this.client };
    const answer = await reach('v1/auth/login', json({ login, password, device }));
    if (!answer.ok) throw await problemOf(answer);
    await this.keep((await answer.json()) as SignedIn, false);
  }

  async signOut(): Promise<void> {
    const refresh = this.kept?.refresh;
    this.access = null;
    if (this.kept) {
      this.kept = { ...this.kept, refresh: null, user: null, person: null, adopts: false };
      await this.vault.putJson('kept', KEPT, this.kept);
    }
    // Without a connection the sign-in ends on this computer at least.
    if (refresh) await reach('v1/auth/logout', json({ refresh_token: refresh }), 5_000).catch(() => undefined);
  }

  /** The headers that say who asks; none where nobody signs in. Only for that person, if one is named. */
  async headers(whose?: Whose): Promise<Record<string, string>> {
    const access = this.loginRequired ? await this.token() : null;
    if (whose && access?.person !== whose) throw OTHER_PERSON;
    return access ? { Authorization: `Bearer ${access.token}` } : {};
  }

  /** Forgets the access token: the server does not take it any more. */
  dropAccess(): void {
    this.access = null;
  }

  /** Subprotocols to open a socket with, only for that person if one is named. */
  async ticket(whose?: Whose): Promise<string[]> {
    const headers = await this.headers(whose);
    if (!this.loginRequired) return [];
    const answer = await reach('v1/auth/tickets', { method: 'POST', headers }, 10_000);
    if (answer.status === 401) this.dropAccess();
    if (!answer.ok) throw await problemOf(answer);
    return [`ticket.${((await answer.json()) as { ticket: string }).ticket}`];
  }

  private async token(): Promise<Access> {
    if (this.access && this.access.until > Date.now()) return this.access;
    return navigator.locks.request(LOCK, async () => {
      if (this.access && this.access.until > Date.now()) return this.access;
      // Another page may have used the refresh token meanwhile.
      await this.reread();
      if (this.replaced || !this.kept?.refresh) throw SIGN_IN;
      const answer = await reach('v1/auth/refresh', json({ refresh_token: this.kept.refresh, device: this.kept.device }), 15_000);
      if (answer.status === 401) {
        this.kept = { ...this.kept, refresh: null };
        await this.vault.putJson('kept', KEPT, this.kept);
        throw { ...(await problemOf(answer)), action: 'sign_in' } satisfies Problem;
      }
      if (!answer.ok) throw await problemOf(answer);
      return this.keep((await answer.json()) as SignedIn, this.kept.person === undefined || Boolean(this.kept.adopts));
    });
  }

  private async keep({ access_token: token, expires_in, refresh_token: refresh, device, user }: SignedIn, adopts: boolean): Promise<Access> {
    this.replaced = false;
    this.kept = { device, refresh, user: user.name || user.login, person: user.id, adopts };
    const access: Access = { token, until: Date.now() + (expires_in - EARLY_S) * 1000, person: user.id };
    this.access = access;
    await this.vault.putJson('kept', KEPT, this.kept);
    return access;
  }
}

function json(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** How its owner knows this browser in the list of devices. */
function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = /Firefox|Edg|OPR|YaBrowser|Chrome|Safari/.exec(agent)?.[0] ?? 'Browser';
  const system = /Windows|Android|iPhone|iPad|Mac OS|Linux/.exec(agent)?.[0] ?? '';
  return `${{ Edg: 'Edge', OPR: 'Opera', YaBrowser: 'Yandex' }[browser] ?? browser} ${system}`.trim();
}
