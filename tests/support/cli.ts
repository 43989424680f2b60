/** The CLI as a user runs it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "../../tools/thaw-server.ts";

const run = promisify(execFile);
export const CLI = join(REPOSITORY, "packages/cli/bin/thaw.mjs");

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** `env`: besides that of the tests. */
export async function runThaw(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = process.cwd(),
): Promise<Ran> {
  try {
    return { ...(await run(process.execPath, [CLI, ...args], { env: { ...process.env, ...env }, cwd })), code: 0 };
  } catch (error) {
    return error as Ran;
  }
}
