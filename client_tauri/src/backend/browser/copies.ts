/** Copies of what the screens show, and drafts, each with the person whose they are. */
import type { Account } from './account';
import type { Vault } from './vault';
import { formerKey, placeOf } from './whose';

const everythingFrom = (place: string): IDBKeyRange => IDBKeyRange.bound(place, `${place}\uffff`);

export class Copies {
  constructor(
    private readonly vault: Vault,
    private readonly account: Account,
  ) {}

  async read(key: string): Promise<unknown> {
    return (await this.vault.getJson('kept', placeOf(this.account.person, key))) ?? null;
  }

  write(key: string, value: unknown): Promise<void> {
    return this.vault.putJson('kept', placeOf(this.account.person, key), value);
  }

  /** What begins so; with nothing named everything, whoever's it is. */
  forget(prefix: string): Promise<void> {
    return this.vault.forget('kept', everythingFrom(prefix ? placeOf(this.account.person, prefix) : 'cache/'));
  }

  /** What lies where copies lay before they said whose they are is that person's. */
  async adopt(heir: string | null): Promise<void> {
    for (const place of (await this.vault.keys('kept', everythingFrom('cache/'))) as string[]) {
      const key = formerKey(place);
      if (key === null) continue;
      await this.vault.putJson('kept', placeOf(heir, key), await this.vault.getJson('kept', place));
      await this.vault.forget('kept', place);
    }
  }
}
