/** APIs in the store, one document each: found, and changed one at a time. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { AccountEntries } from "../../model/function-record.ts";
import type { AccountScope } from "../../model/function-name.ts";
import type { TokenIssuers } from "../../ports/token-issuers.ts";
import { Turns } from "../../base/turns.ts";
import type { AccountEntryKind, Committed, MetadataStore, Stored, Write } from "../../ports/metadata-store.ts";
import { measureGrown } from "../entries.ts";
import { type Page, readPage } from "../entry-pages.ts";

export type ApiKind = "httpApi" | "restApi";
type ApiStore = Pick<MetadataStore, "commit" | "getAccountEntry" | "listAccountEntriesAfter" | "measureAccountEntries">;

export interface ApiParts {
  readonly scope: AccountScope;
  readonly store: ApiStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly issuers: Pick<TokenIssuers, "problemOf">;
}

/** An API as it is to be, what else is written with it, and what the caller gets. */
export interface Edit<A, T> {
  readonly api: A;
  readonly writes?: readonly Write[];
  readonly result: T;
}

/** Another writer is first now and then, not so often. */
const ATTEMPTS_MAX = 20;
/** AWS's quota of an account in a Region. */
const APIS_MAX = 600;
const MIB = 1024 * 1024;
/** Documents of an account in a Region together: an API may have some MB, and freezes them with each deployment. */
const BYTES_MAX: Readonly<Partial<Record<AccountEntryKind, number>>> = {
  httpApi: 256 * MIB,
  restApi: 256 * MIB,
  httpFrozen: 1024 * MIB,
  restFrozen: 1024 * MIB,
};

/** `token`: `next` of the page before. */
export interface PageWish {
  readonly length: number;
  readonly token: string | undefined;
}

export class ApiDocuments<K extends ApiKind> {
  readonly #kind: K;
  readonly #store: ApiStore;
  readonly #clock: Clock;
  readonly #noSuch: (apiId: string) => ServiceError;

  constructor(kind: K, { store, clock }: Pick<ApiParts, "store" | "clock">, noSuch: (apiId: string) => ServiceError) {
    this.#kind = kind;
    this.#store = store;
    this.#clock = clock;
    this.#noSuch = noSuch;
  }

  async find(apiId: string): Promise<Stored<AccountEntries[K]>> {
    const found = await this.#store.getAccountEntry(this.#kind, apiId);
    if (found === null) throw this.#noSuch(apiId);
    return found;
  }

  /** By id. Null where the token is none. */
  page<P>(present: (api: AccountEntries[K]) => P, wish: PageWish): Promise<Page<P> | null> {
    const readNext = async (after: string) => (await this.#store.listAccountEntriesAfter(this.#kind, after, 1))[0];
    return readPage(readNext, present, { ...wish, turns: new Turns(this.#clock) });
  }

  async add(api: AccountEntries[K]): Promise<void> {
    if ((await this.#store.measureAccountEntries(this.#kind)).count >= APIS_MAX)
      throw new ServiceError("BadRequestException", `There are at most ${APIS_MAX} APIs`);
    if ((await this.#commit([this.#put(api, null)])) === "changed") throw busy();
  }

  /** Changes an API. `edit` is asked again where somebody else was first. */
  async change<T>(
    apiId: string,
    edit: (api: AccountEntries[K]) => Edit<AccountEntries[K], T> | Promise<Edit<AccountEntries[K], T>>,
  ): Promise<T> {
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const over = await this.find(apiId);
      const { revision: _, ...before } = over;
      const { api, writes = [], result } = await edit(before as unknown as AccountEntries[K]);
      if ((await this.#commit([this.#put(api, over), ...writes])) === "done") return result;
    }
    throw busy();
  }

  /** Removes an API, and with it what `alsoOf` gives. */
  async remove(apiId: string, alsoOf: (api: AccountEntries[K]) => Promise<readonly Write[]>): Promise<void> {
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const record = await this.find(apiId);
      const removal = { op: "remove", kind: this.#kind, record } as unknown as Write;
      if ((await this.#store.commit([removal, ...(await alsoOf(record))])) === "done") return;
    }
    throw busy();
  }

  /** Throws where something grows that has no room. */
  async #commit(writes: readonly Write[]): Promise<Committed> {
    for (const write of writes) {
      const most = write.op === "put" ? BYTES_MAX[write.kind as AccountEntryKind] : undefined;
      if (write.op !== "put" || most === undefined) continue;
      const grown = await measureGrown(this.#store, write.kind as AccountEntryKind, write.over, write.record);
      if (grown !== null && grown.sizeBytes > most) throw full(write.kind, most);
    }
    return this.#store.commit(writes);
  }

  #put(record: AccountEntries[K], over: Stored<AccountEntries[K]> | null): Write {
    return { op: "put", kind: this.#kind, record, over } as unknown as Write;
  }
}

function full(kind: string, most: number): ServiceError {
  const message = kind.endsWith("Frozen")
    ? `What the deployments of all APIs have frozen has at most ${most} bytes: delete deployments that no stage has`
    : `All APIs of an account in a Region have at most ${most} bytes together: delete some that nobody uses`;
  return new ServiceError("BadRequestException", message);
}

function busy(): ServiceError {
  return new ServiceError("TooManyRequestsException", "The API is changed by others all the time. Try again.");
}
