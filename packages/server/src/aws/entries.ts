/** Records of an account that a service's operations change, each change in one commit with all that goes with it. */
import { ServiceError } from "../model/service-error.ts";
import type { Write } from "../ports/metadata-store.ts";
import type { EntryStore } from "../ports/account-stores.ts";

/** Another writer is first now and then, not so often. */
const ATTEMPTS_MAX = 20;

/** What is to be written, and what the caller gets. */
export interface Change<T> {
  readonly writes: readonly Write[];
  readonly result: T;
}

/** Reads and decides again where somebody else was first. `busyCode`: the service's error where that has no end. */
export async function changeEntries<T>(
  store: EntryStore,
  busyCode: string,
  decide: (store: EntryStore) => Promise<Change<T>>,
): Promise<T> {
  for (let count = 0; count < ATTEMPTS_MAX; count++) {
    const { writes, result } = await decide(store);
    if (writes.length === 0 || (await store.commit(writes)) === "done") return result;
  }
  throw new ServiceError(busyCode, "Others change the same thing all the time. Try again.");
}
