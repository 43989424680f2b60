/** Where the metadata of all scopes is: a file for each below the data directory, or a PostgreSQL database. */
import { join } from "node:path";
import type { AccountScope } from "../model/function-name.ts";
import type { MetadataStore, Write } from "../ports/metadata-store.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import { DATABASE, scopeDirectories } from "./scope-directories.ts";

export interface Metadata {
  /** Scopes besides the home that have been opened once. */
  listScopes(): Promise<readonly AccountScope[]>;
  /** `directory` is the scope's own, and there. `onCommitted` hears of each commit before its writer does. */
  open(scope: AccountScope, directory: string, onCommitted: (writes: readonly Write[]) => void): Promise<MetadataStore>;
  /** Removes what is left of an account whose stores are closed. */
  removeAccount(accountId: string): Promise<void>;
  /** Ends what the stores have in common, after them. */
  close(): Promise<void>;
}

/** SQLite: what an account has goes with its directory. */
export function metadataInFiles(dataDir: string): Metadata {
  return {
    listScopes: async () => scopeDirectories(dataDir),
    open: async (_scope, directory, onCommitted) => openSqliteStore(join(directory, DATABASE), onCommitted),
    removeAccount: async () => undefined,
    close: async () => undefined,
  };
}
