/**
 * The server's side of fault points, as crates/faults is sandboxd's and the pager's: what a test has armed a point with
 * happens here.
 */
import { appendFileSync, closeSync, openSync, readFileSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

const dir = process.env["THAW_FAULTS"];

/** True where the one who comes by has to wait. */
function take(point: string, toError: (message: string) => Error): boolean {
  if (dir === undefined) return false;
  appendFileSync(join(dir, "trace"), `${point}\n`);
  const reached = join(dir, `${point}.reached`);
  try {
    renameSync(join(dir, `${point}.armed`), reached);
  } catch {
    return false;
  }
  const fault = readFileSync(reached, "utf8");
  if (fault === "kill") process.kill(process.pid, "SIGKILL");
  if (fault === "error") throw toError(`fault point ${point}`);
  return fault === "delay";
}

export async function reach(point: string, toError: (message: string) => Error): Promise<void> {
  if (take(point, toError)) await (await open(join(dir ?? "", `${point}.go`), "r")).close();
}

/** Holds the whole process up, as a disk does that is slow to sync. */
export function reachNow(point: string, toError: (message: string) => Error): void {
  if (take(point, toError)) closeSync(openSync(join(dir ?? "", `${point}.go`), "r"));
}
