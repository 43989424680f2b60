/**
 * Where the data of an account in a Region is: the home scope's at the top of the data directory, any other's in
 * `accounts/ACCOUNT/REGION`.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type AccountScope, isSameScope } from "../model/function-name.ts";
import { UsageError } from "./options/usage-error.ts";
import { REGION } from "./options/value-types.ts";

export const DATABASE = "thaw.db";
export const ACCOUNTS_DIRECTORY = "accounts";
const ACCOUNT_ID = /^\d{12}$/;

export function placeOfScope(
  { dataDir, home }: { readonly dataDir: string; readonly home: AccountScope },
  scope: AccountScope,
): string {
  if (isSameScope(scope, home)) return dataDir;
  return join(dataDir, ACCOUNTS_DIRECTORY, scope.accountId, scope.region);
}

/** Lists the scopes that have a database below `accounts/`. */
export function scopeDirectories(dataDir: string): readonly AccountScope[] {
  const root = join(dataDir, ACCOUNTS_DIRECTORY);
  const below = (path: string, form: RegExp): readonly string[] =>
    existsSync(path) ? readdirSync(path).filter((name) => form.test(name)) : [];
  return below(root, ACCOUNT_ID).flatMap((accountId) =>
    below(join(root, accountId), REGION)
      .filter((region) => existsSync(join(root, accountId, region, DATABASE)))
      .map((region) => ({ accountId, region })),
  );
}

/** The home scope has been set to one that has a directory of its own: it is not clear whose data is meant. */
export function homeTwice(directory: string): UsageError {
  return new UsageError(
    `THAW_ACCOUNT_ID and THAW_REGION name the account and Region of the data directory itself, and ${directory} is there for them, too. Set them to what they were.`,
  );
}
