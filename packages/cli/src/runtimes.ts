/** thaw runtimes ls | install | update */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { CommandError } from "./command-error.ts";
import type { Connection } from "./connection.ts";
import { print, printJson } from "./table.ts";

export async function listRuntimes(connection: Connection, json: boolean): Promise<void> {
  const { runtimes } = (await (await connection.admin("GET", "host")).json()) as { runtimes: string[] };
  if (json) printJson(runtimes);
  else print(`${runtimes.join("\n")}\n`);
}

/** With `update` beside the release that is there: snapshots made with it are restored until theirs have been made anew. */
export async function installRuntime(name: string, update = false): Promise<void> {
  const script = resolve(import.meta.dirname, "../../../tools/install-runtime.sh");
  const child = spawn("sh", [script, name, ...(update ? ["--update"] : [])], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new CommandError(`${name} could not be installed`);
  print("A running server uses it from now on.\n");
}
