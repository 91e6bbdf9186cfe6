/** HTTP calls of the server this page came from. */
import type { Call } from '../backend';
import { problemOf, reach, type Account } from './account';
import type { Whose } from './whose';

/** A path below the page's own address, so that a server behind a proxy's path works too. */
function addressOf({ path, query }: Call): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) asked.set(name, String(value));
  return path.replace(/^\//, '') + (asked.size ? `?${asked}` : '');
}

export class Api {
  constructor(
    private readonly account: Account,
    private readonly whose?: Whose,
  ) {}

  /** The same for that person alone: what is asked once somebody else has signed in is refused as theirs (`outbox.other_person`). */
  as(whose: Whose): Api {
    return new Api(this.account, whose);
  }

  /** Sends a call, once more with a new token if the server wants one. */
  async send(call: Call, options: RequestInit = {}, patienceMs?: number): Promise<Response> {
    for (let attempt = 0; ; attempt += 1) {
      const headers: Record<string, string> = { ...(await this.account.headers(this.whose)), ...(options.headers as Record<string, string>) };
      const body = call.body === undefined ? options.body : JSON.stringify(call.body);
      if (call.body !== undefined) headers['Content-Type'] = 'application/json';
      const answer = await reach(addressOf(call), { ...options, method: call.method, headers, body }, patienceMs);
      if (answer.ok) return answer;
      const problem = await problemOf(answer);
      if (answer.status !== 401 || !this.account.loginRequired || attempt > 0) throw problem;
      this.account.dropAccess();
    }
  }

  async json(call: Call): Promise<unknown> {
    const answer = await this.send(call);
    return answer.status === 204 || !answer.headers.get('content-type')?.includes('json') ? null : answer.json();
  }

  async blob(call: Call): Promise<Blob> {
    return (await this.send(call, {}, 300_000)).blob();
  }

  async upload(path: string, file: Blob, type: string): Promise<unknown> {
    const answer = await this.send({ method: 'POST', path }, { body: file, headers: { 'Content-Type': type } }, 600_000);
    return answer.status === 204 ? null : answer.json();
  }
}

/** Hands a file to the person. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
