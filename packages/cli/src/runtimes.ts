/** thaw runtimes ls | install | update | prune */
import { PROGRAM, ROOT, thawHomeOf } from "@thaw/installation";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { BASE_SYSTEM, INSTALLABLE, installName, MOTO, SAM_TRANSFORM } from "@thaw/installation/installable";
import type { ReleaseSummary } from "@thaw/thaw-api";
import type { Connection } from "./connection.ts";
import { orNear } from "./did-you-mean.ts";
import { formatTable, print, printJson } from "./table.ts";

const REMOVED = ".removed";

export async function listRuntimes(connection: Connection, json: boolean): Promise<void> {
  const { runtimes } = await connection.thaw.call("describeHost", {});
  if (json) printJson(runtimes);
  else print(`${runtimes.join("\n")}\n`);
}

/**
 * Installs a release; the name may be that of a function's runtime. With `update` the one that is there stays, for
 * snapshots that were made with it.
 */
export async function installRuntime(name: string, update = false): Promise<void> {
  if (name === SAM_TRANSFORM) return runScript(name, ["tools/install-sam-transform.sh"]);
  if (name === MOTO) return runScript(name, ["tools/install-moto.sh"]);
  const installed = name === BASE_SYSTEM ? name : installName(name);
  if (installed === null) throw new CommandError(`${name} can't be installed: ${whyNot(name)}`);
  return runScript(name, ["tools/install-runtime.sh", installed, ...(update ? ["--update"] : [])]);
}

async function runScript(name: string, [script = "", ...options]: readonly string[]): Promise<void> {
  const child = spawn("sh", [join(ROOT, script), ...options], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0)
    throw new CommandError(
      `${name} could not be installed; its messages are above. What the host lacks: ${PROGRAM} doctor`,
    );
  print("A running server uses it from now on.\n");
}

function whyNot(name: string): string {
  if (name.startsWith("provided")) return "functions bring it themselves, as bootstrap";
  if (name === "python3.12") return "no Debian has it; it is used where the host itself has /usr/bin/python3.12";
  const names = [...INSTALLABLE, BASE_SYSTEM, MOTO, SAM_TRANSFORM];
  return `expected one of ${names.join(", ")}${orNear(name, names)}`;
}

/** Removes releases that no snapshot was made with and no environment runs, but for the newest of each runtime. */
export async function pruneRuntimes(
  connection: Connection,
  { dryRun, json }: { readonly dryRun: boolean; readonly json: boolean },
): Promise<void> {
  const { releases } = await connection.thaw.call("listRuntimes", {});
  const dir = join(thawHomeOf(process.env), "runtimes");
  // Only what is in this directory, whatever the server says: it has no right to remove anything.
  const installed = new Set(existsSync(dir) ? readdirSync(dir) : []);
  const foreign = releases.find(({ name }) => !installed.has(name));
  if (foreign !== undefined)
    throw new CommandError(
      `The server has ${foreign.name}, and ${dir} has not: run this on the server's host, with its THAW_HOME.`,
    );
  const rows = releases.map((release) => ({ ...release, status: statusOf(release, dryRun) }));
  if (!dryRun) removeReleases(dir, releases.filter(isUnused));
  if (json) printJson(rows);
  else
    print(
      formatTable(
        ["RELEASE", "RUNTIME", "STATUS"],
        rows.map(({ name, runtime, status }) => [name, runtime, status]),
      ),
    );
}

function isUnused({ isNewest, snapshots, environments }: ReleaseSummary): boolean {
  return !isNewest && snapshots === 0 && environments === 0;
}

function statusOf(release: ReleaseSummary, dryRun: boolean): string {
  const { isNewest, snapshots, environments } = release;
  if (isUnused(release)) return dryRun ? "would be removed" : "removed";
  return isNewest ? "newest" : `needed by ${count(snapshots, "snapshot")} and ${count(environments, "environment")}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** Renames each release before it is removed, so that the server never finds half of one. */
function removeReleases(dir: string, releases: readonly ReleaseSummary[]): void {
  try {
    for (const { name } of releases) renameSync(join(dir, name), join(dir, `${name}${REMOVED}`));
    // Also those of a call that was cut off.
    for (const name of readdirSync(dir)) if (name.endsWith(REMOVED)) rmSync(join(dir, name), { recursive: true });
  } catch (error) {
    throw new CommandError(`${dir}: ${(error as Error).message} (this needs the rights of who installed them)`);
  }
}
