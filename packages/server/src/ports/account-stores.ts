/** Stores of what an account has in all Regions alike: one place for each account, whichever Region is asked. */
import type { MetadataStore } from "./metadata-store.ts";

export type EntryStore = Pick<MetadataStore, "commit" | "getAccountEntry" | "listAccountEntries">;

export interface AccountStores {
  /** The caller's own. */
  own(): Promise<EntryStore>;
  /** Another account's; null where there is no such account, or it has nothing. */
  find(accountId: string): Promise<EntryStore | null>;
}
