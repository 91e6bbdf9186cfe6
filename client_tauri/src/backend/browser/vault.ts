/**
 * What the browser keeps: IndexedDB, each value sealed with AES-GCM under a key that no script can read out.
 *
 * The key is made here, not extractable, and stays in the same database: whoever copies the profile's files has no text
 * or audio without the browser's own protection of keys; whoever sits at the unlocked browser is its person.
 */

const NAME = 'alfavoice';
const VERSION = 1;

export type Store = 'kept' | 'takes' | 'chunks';

interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  sealed: ArrayBuffer;
}

function finished<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('database'));
  });
}

/** Opens the database, making it the first time. */
export async function openVault(): Promise<Vault> {
  const opening = indexedDB.open(NAME, VERSION);
  opening.onupgradeneeded = () => {
    const made = opening.result;
    made.createObjectStore('keys');
    made.createObjectStore('kept');
    made.createObjectStore('takes');
    // [take, first sample]: the order they are sent in.
    made.createObjectStore('chunks');
  };
  const database = await finished(opening);
  database.onversionchange = () => database.close();
  return new Vault(database, await keyOf(database));
}

async function keyOf(database: IDBDatabase): Promise<CryptoKey> {
  const read = (): Promise<CryptoKey | undefined> => finished(database.transaction('keys').objectStore('keys').get('sealing'));
  const known = await read();
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  // Two pages may get here at once: the first one's key counts.
  const writing = database.transaction('keys', 'readwrite').objectStore('keys').add(made, 'sealing');
  await finished(writing).catch(() => undefined);
  return (await read()) ?? made;
}

export class Vault {
  constructor(
    private readonly database: IDBDatabase,
    private readonly key: CryptoKey,
  ) {}

  /** Seals bytes and keeps them; resolves when they are on the disk. */
  async put(store: Store, id: IDBValidKey, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: place(store, id) }, this.key, bytes);
    const writing = this.database.transaction(store, 'readwrite', { durability: 'strict' });
    writing.objectStore(store).put({ iv, sealed } satisfies Sealed, id);
    await new Promise<void>((resolve, reject) => {
      writing.oncomplete = () => resolve();
      writing.onabort = () => reject(writing.error ?? new Error('database'));
    });
  }

  /** The bytes kept there; undefined if there are none, or if they cannot be opened. */
  async get(store: Store, id: IDBValidKey): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const found = (await finished(this.database.transaction(store).objectStore(store).get(id))) as Sealed | undefined;
    return found && this.opened(store, id, found);
  }

  async putJson(store: Store, id: IDBValidKey, value: unknown): Promise<void> {
    await this.put(store, id, new TextEncoder().encode(JSON.stringify(value)));
  }

  async getJson(store: Store, id: IDBValidKey): Promise<unknown> {
    const bytes = await this.get(store, id);
    return bytes && JSON.parse(new TextDecoder().decode(bytes));
  }

  keys(store: Store, range?: IDBKeyRange): Promise<IDBValidKey[]> {
    return finished(this.database.transaction(store).objectStore(store).getAllKeys(range));
  }

  async forget(store: Store, what: IDBValidKey | IDBKeyRange): Promise<void> {
    await finished(this.database.transaction(store, 'readwrite').objectStore(store).delete(what));
  }

  private async opened(store: Store, id: IDBValidKey, { iv, sealed }: Sealed): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: place(store, id) }, this.key, sealed));
    } catch {
      return undefined;
    }
  }
}

/** What binds a value to where it lies, so that nothing can be put in another one's place. */
function place(store: Store, id: IDBValidKey): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify([store, id]));
}
