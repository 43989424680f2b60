/**
 * All that the control plane writes goes through here: decisions that are taken anew where another writer was first,
 * and the one place where others hear of what was committed.
 */
import { ApiError } from "../../model/api-error.ts";
import type { Committed, MetadataStore, Write } from "../../ports/metadata-store.ts";

/** Outcome of a decision: its writes (none where nothing is to be changed) and the result for its caller. */
export interface Decision<T> {
  readonly writes: readonly Write[];
  readonly result: T;
}

/**
 * Decisions within this process wait for one another, so only another server on the same store can be first so often.
 */
const ATTEMPTS_MAX = 20;
/** The key of decisions that rest on a sum over the account. */
export const ACCOUNT = "";

export class Changes {
  readonly #store: Pick<MetadataStore, "commit">;
  /** End of the last decision that was asked for, by key. */
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #epochs = new Map<string, number>();
  #heard: (writes: readonly Write[]) => Promise<void> = () => Promise.resolve();

  constructor(store: Pick<MetadataStore, "commit">) {
    this.#store = store;
  }

  /** Sets who hears of each commit before its writer goes on. It must not reject. */
  listen(heard: (writes: readonly Write[]) => Promise<void>): void {
    this.#heard = heard;
  }

  /**
   * Reads, decides and commits, one at a time for each key (a function's name, or ACCOUNT). `attempt` reads all it
   * decides by anew each time and has no other effect. Throws what `attempt` throws; a ServiceException where others
   * were first all the time.
   */
  async decide<T>(key: string, attempt: () => Promise<Decision<T>>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const own = before.then(() => this.#decide(attempt));
    const ended = own.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, ended);
    try {
      return await own;
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }

  async commit(writes: readonly Write[]): Promise<Committed> {
    const committed = await this.#store.commit(writes);
    if (committed === "done") {
      for (const name of functionsOf(writes)) this.#epochs.set(name, this.epochOf(name) + 1);
      await this.#heard(writes);
    }
    return committed;
  }

  /**
   * A number that differs once something of the function was changed by this process. It has changed before the writer
   * does what follows from its change (snapshots removed, environments stopped): what was read before and is used while
   * it is the same precedes all that.
   */
  epochOf(functionName: string): number {
    return this.#epochs.get(functionName) ?? 0;
  }

  async #decide<T>(attempt: () => Promise<Decision<T>>): Promise<T> {
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const { writes, result } = await attempt();
      if (writes.length === 0 || (await this.commit(writes)) === "done") return result;
    }
    throw new ApiError("ServiceException", "Too many changes of the same resource at the same time. Try again.");
  }
}

function functionsOf(writes: readonly Write[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const write of writes) {
    if (write.op !== "put" && write.op !== "remove") continue;
    if (write.kind === "function") names.add(write.record.name);
    else if ("functionName" in write.record) names.add(write.record.functionName);
  }
  return names;
}
