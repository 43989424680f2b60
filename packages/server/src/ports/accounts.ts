/** The accounts of this installation and their access keys. */
import type { CallerKey } from "../model/caller.ts";

export interface AccountSummary {
  readonly accountId: string;
  /** The operator's name for it; empty where it has none. */
  readonly name: string;
  /** True for the account that the installation had before any other. */
  readonly isHome: boolean;
  readonly accessKeys: ReadonlyArray<{ readonly accessKeyId: string; readonly createdAtMs: number | null }>;
}

/** A key that has just been made: the only time that its secret is shown. */
export interface NewAccessKey {
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Finds keys that requests are signed with. */
export interface CallerKeys {
  /** Null where the key is unknown, or the token is not its own. The token is null where a request has none. */
  keyOf(accessKeyId: string, sessionToken: string | null): CallerKey | "expired" | null;
}

/** Administration of accounts. Each change is durable when it returns. Throws an ApiError where it can't be done. */
export interface Accounts extends CallerKeys {
  /** The home account first, then by id. */
  list(): readonly AccountSummary[];
  has(accountId: string): boolean;
  add(accountId: string, name: string): NewAccessKey;
  /**
   * Makes a new key. The account's newest key stays beside it, or goes at once where `isImmediate`; older ones go.
   */
  rotate(accountId: string, isImmediate: boolean): NewAccessKey;
  /** Ends all its keys. What it has stays where it is. */
  remove(accountId: string): void;
}
