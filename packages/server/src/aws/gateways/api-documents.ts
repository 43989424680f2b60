/** APIs in the store, one document each: found, and changed one at a time. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { AccountEntries } from "../../model/function-record.ts";
import type { AccountScope } from "../../model/function-name.ts";
import type { TokenIssuers } from "../../ports/token-issuers.ts";
import type { MetadataStore, Stored, Write } from "../../ports/metadata-store.ts";

export type ApiKind = "httpApi" | "restApi";
type ApiStore = Pick<MetadataStore, "commit" | "getAccountEntry" | "listAccountEntries">;

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

export class ApiDocuments<K extends ApiKind> {
  readonly #kind: K;
  readonly #store: ApiStore;
  readonly #noSuch: (apiId: string) => ServiceError;

  constructor(kind: K, store: ApiStore, noSuch: (apiId: string) => ServiceError) {
    this.#kind = kind;
    this.#store = store;
    this.#noSuch = noSuch;
  }

  async find(apiId: string): Promise<Stored<AccountEntries[K]>> {
    const found = await this.#store.getAccountEntry(this.#kind, apiId);
    if (found === null) throw this.#noSuch(apiId);
    return found;
  }

  list(): Promise<ReadonlyArray<Stored<AccountEntries[K]>>> {
    return this.#store.listAccountEntries(this.#kind);
  }

  async add(api: AccountEntries[K]): Promise<void> {
    if ((await this.list()).length >= APIS_MAX)
      throw new ServiceError("BadRequestException", `There are at most ${APIS_MAX} APIs`);
    if ((await this.#store.commit([this.#put(api, null)])) === "changed") throw busy();
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
      if ((await this.#store.commit([this.#put(api, over), ...writes])) === "done") return result;
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

  #put(record: AccountEntries[K], over: Stored<AccountEntries[K]> | null): Write {
    return { op: "put", kind: this.#kind, record, over } as unknown as Write;
  }
}

function busy(): ServiceError {
  return new ServiceError("TooManyRequestsException", "The API is changed by others all the time. Try again.");
}
