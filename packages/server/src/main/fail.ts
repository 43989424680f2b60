import { UsageError } from "./options/usage-error.ts";

/** Says why this program can't go on, and ends it: with status 2 where the settings are the reason. */
export function fail(error: unknown): never {
  const text = error instanceof UsageError ? error.message : String((error as Error).stack ?? error);
  process.stderr.write(`thaw: ${text}\n`);
  // Not only exitCode: what was opened before it failed must not keep the process.
  process.exit(error instanceof UsageError ? 2 : 1);
}
