/** gVisor's runsc for tests: built once, in .thaw/gvisor, by the command that users have. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { runThaw } from "./cli.ts";

/** THAW_HOME of that build. */
export const GVISOR_HOME = join(REPOSITORY, ".thaw/gvisor");

/** Null, or why it can't be built here. */
export const noGvisor: string | null = whyNoGvisor();

/** The path of runsc, which is built where it is not there. */
export async function installGvisor(): Promise<string> {
  const { code, stderr } = await runThaw(["engines", "install", "gvisor"], { THAW_HOME: GVISOR_HOME });
  if (code !== 0) throw new Error(`gVisor could not be built: ${stderr}`);
  return join(GVISOR_HOME, "engines/gvisor/runsc");
}

function whyNoGvisor(): string | null {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(REPOSITORY, "tools/gvisor/go.mod"), "utf8"))?.[1] ?? "";
  const { stdout } = spawnSync("go", ["env", "GOVERSION"], {
    env: { ...process.env, GOTOOLCHAIN: "local" },
    encoding: "utf8",
  });
  const found = /^go([\d.]+)/.exec(stdout ?? "")?.[1];
  if (found !== undefined && isAtLeast(found, wanted)) return null;
  return `gVisor is not built: it needs Go ${wanted} in PATH (${found === undefined ? "there is none" : `here is ${found}`})`;
}

function isAtLeast(found: string, wanted: string): boolean {
  const sorted = execFileSync("sort", ["-V"], { input: `${found}\n${wanted}\n`, encoding: "utf8" });
  return sorted.split("\n")[0] === wanted;
}
