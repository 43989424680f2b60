/** Records of an account that a service's operations change, each change in one commit with all that goes with it. */
import { ServiceError } from "../model/service-error.ts";
import type { AccountEntryKind, EntriesMeasure, MetadataStore, Write } from "../ports/metadata-store.ts";
import type { EntryStore } from "../ports/account-stores.ts";

/** Another writer is first now and then, not so often. */
const ATTEMPTS_MAX = 20;

/**
 * Documents of one kind together, where all are read at once: 10,000 of 1 MiB would be more than the server's memory.
 */
export const ENTRIES_BYTES_MAX = 32 * 1024 * 1024;

/** Measures what there would be with a record instead of the one before; null where it has not grown. */
export async function measureGrown(
  store: Pick<MetadataStore, "measureAccountEntries">,
  kind: AccountEntryKind,
  before: object | null,
  after: object,
): Promise<EntriesMeasure | null> {
  const [had, has] = [before === null ? 0 : sizeOf(before), sizeOf(after)];
  if (has <= had) return null;
  const { count, sizeBytes } = await store.measureAccountEntries(kind);
  return { count: count + Number(before === null), sizeBytes: sizeBytes - had + has };
}

/** As it is stored: without the revision of one that was read. */
function sizeOf(record: object): number {
  return Buffer.byteLength(JSON.stringify({ ...record, revision: undefined }));
}

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
